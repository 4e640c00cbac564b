"""A prepared store in a bucket, whose arrays are read through a cache on the local disk."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import final

import pandas as pd
import xxhash

from clinimcl.errors import UserError
from clinimcl.preparation.store.store import TABLE, Store, read_table
from clinimcl.storage import bucket
from clinimcl.storage.cache import Cache
from clinimcl.storage.overlap import waiting
from clinimcl.storage.tree import connect


@final
class BucketStore(Store):
    """Below `url` as another one below its folder; `folder` is where a preparation on this machine keeps its ledger.

    Objects are written whole or not at all. Two machines that prepare into one bucket at the same time do no harm: an
    array is named by what it is made of.
    """

    def __init__(self, url: str, folder: Path, cache: Cache) -> None:
        super().__init__(folder)
        self.place = self._url = url.rstrip("/")
        self._cache = cache

    def has(self, key: str) -> bool:
        return f"{key}.npy" in self._there

    def bring(self, arrays: Sequence[tuple[str, str]]) -> None:
        with self._reading():
            self._cache.paths_of([self._entry(*array) for array in arrays])

    def checksum(self, key: str) -> str:
        return xxhash.xxh3_64_hexdigest(self._read(f"arrays/{key}.npy"))

    def prepared(self) -> bool:
        return self._found(TABLE) is not None

    def table(self) -> pd.DataFrame:
        return read_table(io.BytesIO(self._read(TABLE)), self.place)

    def _file(self, key: str, checksum: str) -> Path:
        with self._reading():
            path = self._cache.path_of(*self._entry(key, checksum))
        if not path.name.endswith(checksum):  # the cache names an entry by its content
            raise UserError(
                f"{self._url}/arrays/{key}.npy is damaged (its checksum must be {checksum}): delete that object and "
                "prepare again"
            )
        return path

    def _entry(self, key: str, checksum: str) -> tuple[str, str]:
        """URL and fingerprint of an array, as the cache knows it."""
        return f"{self._url}/arrays/{key}.npy", checksum

    @cached_property
    def _there(self) -> frozenset[str]:
        """Names of the arrays, as they were when first asked for."""
        filesystem, place = connect(f"{self._url}/arrays")
        filesystem.invalidate_cache()
        with self._reading():
            try:
                return frozenset(name.rsplit("/", 1)[-1] for name in filesystem.find(place))
            except FileNotFoundError:
                return frozenset()

    def _read(self, name: str) -> bytes:
        content = self._found(name)
        if content is None:
            raise UserError(f"{self._url}/{name} is missing: prepare again")
        return content

    def _found(self, name: str) -> bytes | None:
        with self._reading():
            try:
                return bucket.read([f"{self._url}/{name}"])[0]
            except bucket.Missing:
                return None

    def _write(self, path: Path, content: bytes) -> None:
        """Tables only where they changed: to train on a prepared store takes no right to write into it."""
        name = path.relative_to(self.folder).as_posix()
        if path.parent == self.folder and self._found(name) == content:
            return
        try:
            with waiting():
                bucket.upload(content, f"{self._url}/{name}")
        except Exception as error:  # every client has its own kinds
            raise UserError(
                f"store={self._url} cannot be written ({bucket.said(error)}): check that the bucket exists, and your "
                "credentials (for gs://: gcloud auth application-default login) and their right to write objects; "
                "what is prepared stays"
            ) from None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # every client has its own kinds
            raise UserError(
                f"store={self._url} cannot be read ({bucket.said(error)}): check the address, the network and your "
                "credentials (for gs://: gcloud auth application-default login)"
            ) from None
