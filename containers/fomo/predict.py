#!/usr/bin/env python3
"""FOMO26's contract of frozen embeddings (tasks 6 and 7): predict.py --input scan.nii.gz --output emb.npy.

Exit code 2 and a sentence for a mistake of the user's; no output is left then.
"""

import argparse
import os
import sys
from pathlib import Path


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One scan in, one float32 vector out.")
    parser.add_argument("--input", required=True, help="a NIfTI file")
    parser.add_argument("--output", required=True, type=Path, help="the .npy file to write")
    model = os.environ.get("CLINIMCL_MODEL", "/app/model")
    parser.add_argument("--model", type=Path, default=model, help="folder of an exported model, or of a run")
    return parser.parse_args()


def main() -> int:
    arguments = parsed()
    from clinimcl.errors import UserError
    from clinimcl.inference.model import settle
    from clinimcl.runs.scan_embedding import write_embedding

    settle()
    if not arguments.output.parent.is_dir():
        print("clinimcl: the folder of --output is not there: make it, or name another", file=sys.stderr)
        return 2
    try:
        flags = write_embedding(arguments.model, arguments.input, arguments.output)
    except UserError as error:
        said = str(error).replace("model=", "--model ").replace("output=", "--output ")
        print(f"clinimcl: {said}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"clinimcl: the output cannot be written ({error.strerror}): name another folder", file=sys.stderr)
        return 2
    for flag in flags:
        print(f"flag: {flag}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
