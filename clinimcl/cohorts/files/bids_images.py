"""Which images of a BIDS tree are its scans, where several were made of one scan."""

import re
from collections import Counter
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.files.bids_names import entities, once
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree

_FILE = re.compile(
    r"sub-(?P<subject>[^/]+)/(?:ses-(?P<session>[^/]+)/)?(?:(?P<folder>(?!ses-)[^/]+)/)?(?P<name>[^/]+)\.nii(?:\.gz)?"
)
_FOLDERS = frozenset(
    {"anat", "func", "dwi", "fmap", "perf", "pet", "mrs", "meg", "eeg", "ieeg", "beh", "micr", "nirs", "motion"}
)
_OF_STUDIES = frozenset({"derivatives", "rawdata", "sourcedata"})
_PIECES = ("chunk", "split")  # each is a part of a scan
_FORMS = (  # another contrast, or made of a scan afterwards
    *("ce", "echo", "inv", "flip", "mt", "part", "space", "res", "den", "desc", "label", "hemi", "atlas", "seg"),
    *("scale", "from", "to", "mode", "proc"),
)


class Wanted(NamedTuple):
    """What cohort.suffix asks for: T1w, or with entities, as in ce-gad_T1w or desc-preproc_T1w."""

    suffix: str
    entities: dict[str, str]

    @classmethod
    def of(cls, text: str) -> "Wanted":
        parts = text.removesuffix(".gz").removesuffix(".nii").strip("_").split("_")
        pairs = [part for part in parts[:-1] if "-" in part]
        rest = [part for part in parts if part not in pairs]
        return cls("_".join(rest), dict(pair.split("-", 1) for pair in pairs))


# what the end of acq- says where it names a program's output, which is no scan of its own
_MADE = re.compile(
    r"(?:defac|refac|anonym|skull|strip|brain(?!stem)|biascor|denois|masked|reorient|resampl)[a-z]*$|^bet$",
    re.IGNORECASE,
)


def list_scans(tree: Tree, wanted: Wanted, remarks: Remarks) -> pd.DataFrame:
    """subject, session ("" without session level), path, run, modality and file, one row a scan.

    Of the images that were made of one scan (part, rec, desc, space, ...) one is taken: what was
    asked for, else the plain one. Pieces of a scan (chunk) are none. Acquisitions of a session
    (acq) are scans of their own.

    Raises: UserError where nothing says which form is meant, or images lie in another's folder.
    """
    images = _images(tree, wanted.suffix)
    remarks.count(
        _folders(tree, wanted.suffix), f"folders are named like {wanted.suffix} images: nothing is read of them"
    )
    if images.empty:
        return images
    asked = [wanted.entities.items() <= pairs.items() for pairs in images["pairs"]]
    images = images[asked]
    for choose in (_in_their_folder, _whole, _of_one_form, _of_one_reconstruction):
        if not images.empty:
            images = choose(images, wanted, remarks)
    _count_acquisitions(images, wanted, remarks)
    return images.drop(columns=["folder", "pairs"]).reset_index(drop=True)


def elsewhere(tree: Tree, suffix: str) -> str:
    """A hint where the images of a tree lie that has none where it should; "" without any."""
    deeper = re.compile(rf"(.+?)/(sub-[^/]+)/.*_{re.escape(suffix)}\.nii(?:\.gz)?")
    hits = {(hit[1], hit[2]) for file in tree.files if (hit := deeper.fullmatch(file))}
    folders = Counter(folder for folder, _ in hits)
    # any other folder of one subject may bear its name
    shared = sorted(name for name, held in folders.items() if held > 1 or name.split("/")[0] in _OF_STUDIES)
    if shared:
        return f"There are some below {', '.join(shared[:3])}: name one of them as cohort.root. "
    if folders:
        return f"There are {len(folders)} of them in folders further below: name the one that holds sub- folders. "
    if any(file.startswith("tpl-") for file in tree.files):
        return "Those of its tpl- folders are templates, no people. "
    if tree.filesystem.exists(f"{tree.root}/.datalad"):
        return "It is a data set of DataLad, whose parts may not be installed: run `datalad get -n -r .` in it. "
    return ""


def _images(tree: Tree, suffix: str) -> pd.DataFrame:
    found = [(file, _FILE.fullmatch(file)) for file in once(tree.files)]
    hits = [(file, hit) for file, hit in found if hit and hit["name"].endswith(f"_{suffix}")]
    rows = [hit.groupdict("") | {"file": file, "pairs": _pairs(hit["name"], suffix)} for file, hit in hits]
    images = pd.DataFrame(rows, columns=["subject", "session", "folder", "name", "file", "pairs"])
    told = pd.DataFrame({key: [pairs.get(key, "") for pairs in images["pairs"]] for key in ("sub", "ses")})
    _refuse_astray(images, told, suffix)
    session = images["session"].where(images["session"] != "", told["ses"])
    images = images.assign(
        session=session,
        run=[entities(f"{name}.nii") for name in images["name"]],
        path=[tree.address(file) for file in images["file"]],
        modality=suffix,
    )
    return images.drop(columns="name")


def _folders(tree: Tree, suffix: str) -> int:
    """How many folders with something in them are named like an image."""
    named = re.compile(rf"(sub-.*_{re.escape(suffix)}\.nii(?:\.gz)?)/")
    return len({hit[1] for file in tree.files if (hit := named.match(file))})


def _refuse_astray(images: pd.DataFrame, told: pd.DataFrame, suffix: str) -> None:
    """Where an image's name tells another subject or session (`told`) than its folders."""
    astray = (told != "").to_numpy() & (images[["subject", "session"]] != "").to_numpy()
    astray &= told.to_numpy() != images[["subject", "session"]].to_numpy()
    wrong = int(astray.any(axis=1).sum())
    if wrong:
        raise UserError(
            f"{wrong} of {len(images)} {suffix} images lie in the folder of another subject or session than their "
            "names say: put them into their own"
        )


def _pairs(name: str, suffix: str) -> dict[str, str]:
    parts = name.removesuffix(f"_{suffix}").split("_")
    return dict(part.split("-", 1) for part in parts if "-" in part)


def _in_their_folder(images: pd.DataFrame, wanted: Wanted, remarks: Remarks) -> pd.DataFrame:
    """Without those in folders unknown to BIDS, where the session has images in known ones."""
    session = [images["subject"], images["session"]]
    known = images["folder"].isin(_FOLDERS)
    kept = images[known | ~known.groupby(session).transform("any")]
    remarks.count(
        len(images) - len(kept),
        f"{wanted.suffix} images lie in a folder that BIDS does not know (not anat, pet or the like), beside those of "
        "the same session: they are left out",
    )
    twice = kept.duplicated(["subject", "session", "run"])
    if twice.any():
        raise UserError(
            f"{twice.sum()} {wanted.suffix} images have the same name as another of their session, in two folders: "
            "leave one of each"
        )
    return kept


def _whole(images: pd.DataFrame, wanted: Wanted, remarks: Remarks) -> pd.DataFrame:
    """Without pieces of scans, and without phases where magnitudes are meant."""
    pieces = _have(images, wanted, _PIECES)
    phases = _have(images, wanted, ("part",)) & ~images["pairs"].map(lambda pairs: pairs.get("part") == "mag")
    kept = images[~pieces & ~phases]
    if kept.empty:
        what = "pieces of a scan (chunk-)" if pieces.any() else "no magnitudes (part-phase and the like)"
        raise UserError(
            f"all {len(images)} {wanted.suffix} images are {what}: put the pieces of a scan together, or name those "
            f"to read, as in cohort.suffix={_example(images.iloc[0]['pairs'], (*_PIECES, 'part'), wanted)}"
        )
    remarks.count(int(pieces.sum()), f"{wanted.suffix} images are pieces of a scan (chunk-): they are left out")
    remarks.count(int(phases.sum()), f"{wanted.suffix} images are no magnitudes (part-): they are left out")
    return kept


def _of_one_form(images: pd.DataFrame, wanted: Wanted, remarks: Remarks) -> pd.DataFrame:
    """The images of one contrast and derivation: the plain ones, or else the only form."""
    form = images["pairs"].map(lambda pairs: _form(pairs, wanted))
    forms = form.value_counts()
    if len(forms) == 1:
        return images
    if "" not in forms:
        told = ", ".join(f"{count} {name}" for name, count in sorted(forms.items()))
        raise UserError(
            f"the {wanted.suffix} images come in {len(forms)} forms ({told}), of which only one may be read: name it, "
            f"as in cohort.suffix={sorted(forms.index)[0]}_{wanted.suffix}"
        )
    kept = images[form == ""]
    people = set(images["subject"]) - set(kept["subject"])
    left = ", ".join(sorted(set(forms.index) - {""}))
    remarks.count(
        len(images) - len(kept),
        f"{wanted.suffix} images are of other forms ({left}) than the plain one: they are left out"
        + (f", and with them {len(people)} people who have no other" if people else "")
        + "; cohort.suffix takes them, as in "
        f"cohort.suffix={sorted(set(forms.index) - {''})[0]}_{wanted.suffix}",
    )
    return kept


def _of_one_reconstruction(images: pd.DataFrame, wanted: Wanted, remarks: Remarks) -> pd.DataFrame:
    """One reconstruction (rec, or acq-defaced and the like) of each acquisition: the plain one, else the only one."""
    originals = [_original(pairs, wanted) for pairs in images["pairs"]]
    others = pd.Series([entities_without(pairs, "rec") for pairs in originals], index=images.index)
    acquisition = [images["subject"], images["session"], others]
    plain = ~_have(images, wanted, ("rec",)) & (images["pairs"] == pd.Series(originals, index=images.index))
    kept = images[plain | ~plain.groupby(acquisition).transform("any")]
    several = kept.groupby([key[kept.index] for key in acquisition])["file"].transform("size") > 1
    if several.any():
        forms = kept.loc[several, "pairs"]
        found = sorted({f"{key}-{pairs[key]}" for pairs in forms for key in ("rec", "acq") if key in pairs})
        raise UserError(
            f"{several.sum()} {wanted.suffix} images are several reconstructions of one acquisition "
            f"({', '.join(found)}), of which only one may be read: name it, as in "
            f"cohort.suffix={found[0]}_{wanted.suffix}"
        )
    remarks.count(
        len(images) - len(kept),
        f"{wanted.suffix} images are other reconstructions (rec-, acq-defaced and the like) of an acquisition that is "
        "read: they are left out",
    )
    return kept


def _original(pairs: dict[str, str], wanted: Wanted) -> dict[str, str]:
    """The entities of the image that a program's output (acq-defaced, acq-mprageDefaced) was made of."""
    if "acq" not in pairs or "acq" in wanted.entities:
        return pairs
    rest = {"acq": acq} if (acq := _MADE.sub("", pairs["acq"])) else {}
    return {key: value for key, value in pairs.items() if key != "acq"} | rest


def _count_acquisitions(images: pd.DataFrame, wanted: Wanted, remarks: Remarks) -> None:
    told = images["pairs"].map(lambda pairs: pairs.get("acq", ""))
    several = told.groupby([images["subject"], images["session"]]).nunique() > 1
    found = sorted(set(told) - {""})
    if several.any():
        remarks.count(
            int(several.sum()),
            f"sessions have {wanted.suffix} images of several acquisitions ({', '.join(found[:5])}): each is a scan "
            f"of its own; to take one, say cohort.suffix=acq-{found[0]}_{wanted.suffix}",
        )


def _have(images: pd.DataFrame, wanted: Wanted, keys: tuple[str, ...]) -> pd.Series:
    """Whether an image has one of the entities, none of which was asked for."""
    free = set(keys) - set(wanted.entities)
    return images["pairs"].map(lambda pairs: not free.isdisjoint(pairs)).astype(bool)


def _form(pairs: dict[str, str], wanted: Wanted) -> str:
    free = {key: value for key, value in pairs.items() if key in _FORMS and key not in wanted.entities}
    return "_".join(f"{key}-{value}" for key, value in free.items() if (key, value) != ("part", "mag"))


def entities_without(pairs: dict[str, str], key: str) -> str:
    """What tells images of a session apart beside one entity."""
    return "_".join(sorted(f"{name}-{value}" for name, value in pairs.items() if name not in (key, "sub", "ses")))


def _example(pairs: dict[str, str], keys: tuple[str, ...], wanted: Wanted) -> str:
    return "_".join([*(f"{key}-{pairs[key]}" for key in keys if key in pairs), wanted.suffix])
