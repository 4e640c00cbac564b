"""A scan table → a prepared store: every scan once, a second time not at all."""

import sys
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import xxhash
from jaxtyping import Shaped
from rich.console import Console
from rich.progress import track

from clinimcl.cohorts import splits
from clinimcl.errors import UserError
from clinimcl.preparation.engines.engine import Engine
from clinimcl.preparation.fetching import UnreadableFile, digest
from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import CHANGED, Pipeline, VolumePipeline
from clinimcl.preparation.scan_files import fetch_scan, scan_fingerprint
from clinimcl.preparation.store.store import Record, Store
from clinimcl.preparation.store.uint8 import packed
from clinimcl.storage.cache import Cache


class Source(NamedTuple):
    path: str  # ends with / where the scan is a folder of DICOM slices
    mask: str  # "" without one
    fingerprint: str


class Tally(NamedTuple):
    prepared: int
    already_there: int
    set_aside: int

    def __str__(self) -> str:
        return (
            f"{sum(self)} scans: {self.prepared} prepared, {self.already_there} already there, "
            f"{self.set_aside} set aside"
        )


class Prepared(NamedTuple):
    scans: pd.DataFrame  # the scan table with the columns of `Record`
    tally: Tally

    @property
    def summary(self) -> str:
        """The tally, and a line for each remark of how scans were read."""
        remarks = remark_counts(self.scans).items()
        return "\n".join([str(self.tally), *(f"  {count} × {remark}" for remark, count in remarks)])


class TooManySetAside(UserError):
    """More scans than allowed could not be used; carries the tally."""

    def __init__(self, tally: Tally, sentence: str) -> None:
        super().__init__(sentence)
        self.tally = tally


def prepare(
    scans: pd.DataFrame,
    pipeline: Pipeline,
    store: Store,
    engine: Engine,
    *,
    most_set_aside: float,
    cache: Cache | None = None,
) -> Prepared:
    """Prepare what is not prepared yet and write the store's table.

    A scan that cannot be used is set aside with its reason. `most_set_aside` is the share of scans that may be. What is
    read from a bucket stays in the cache.

    Raises:
        UserError: more than that share was set aside (the table is written all the same), or a byte-identical
            file is in two splits.
    """
    sources = [_source(path, mask) for path, mask in zip(scans["path"], scans["mask"], strict=True)]
    _check_cache(cache, sources, store)
    with store.preparing() as ledger:
        known = _known(store) | ledger.read()
        records = {source.path: known[source.path] for source in sources if _current(source, pipeline, known, store)}
        todo = [source for source in sources if source.path not in records]
        _say_why_again(pipeline, [known[source.path] for source in todo if source.path in known])
        there = sum(not record.reason for record in records.values())
        work = partial(prepare_scan, pipeline, store, cache)
        for index, (record, fresh) in _progress(engine.run(work, todo), len(todo)):
            records[todo[index].path] = record
            ledger.add(todo[index].path, record)
            there += not fresh and not record.reason
        table = _with_records(scans, [records[source.path] for source in sources])
        store.write_table(table)
        ledger.close()
    aside = int((table["reason"] != "").sum())
    tally = Tally(len(table) - aside - there, there, aside)
    if aside > most_set_aside * len(table):
        reasons = "; ".join(f"{n} × {why}" for why, n in _by_kind(table["reason"]).items())
        raise TooManySetAside(
            tally,
            f"{aside} of {len(table)} scans cannot be used, more than most_set_aside={most_set_aside:g} of them: "
            f"{reasons}. See {store.place}/set_aside.csv",
        )
    splits.check(table[table["reason"] == ""])
    return Prepared(table, tally)


def _say_why_again(pipeline: Pipeline, records: list[Record]) -> None:
    earlier = sum(record.pipeline == pipeline.earlier_digest for record in records)
    if earlier:
        print(f"{earlier} scans are prepared again by newer rules: {CHANGED}", file=sys.stderr)


def _check_cache(cache: Cache | None, sources: list[Source], store: Store) -> None:
    if cache is None:
        return
    if not any("://" in path for path in (store.place, *(source.path for source in sources))):
        print(f"cache={cache.folder} has no effect: neither the scans nor the store are at a URL", file=sys.stderr)
    cache.check()


def prepare_scan(pipeline: Pipeline, store: Store, cache: Cache | None, source: Source) -> tuple[Record, bool]:
    """What became of one scan, and whether its array was written now."""
    content, stamp = "", source.fingerprint
    try:
        raw = fetch_scan(source.path, cache, stamp)
        content = digest(raw)
        mask = _fetched_mask(source.mask, cache, stamp) if source.mask else []
        parts = f"{content} {digest(mask or [b''])} {pipeline.digest}"
        key = xxhash.xxh3_128_hexdigest(parts.encode())
        fresh = not store.has(key)
        if fresh:
            array, remark = _stored(pipeline, source, raw, mask)
            checksum = store.put(key, array)
        else:  # its array stands without what was said of it
            remark = decode(source.path, raw, orientation=_orientation(pipeline)).remark
            checksum = store.checksum(key)
    except UnreadableFile as unreadable:
        return Record("", pipeline.digest, content, "", "", str(unreadable)), True  # another run tries again
    except UnusableScan as unusable:
        return Record(source.fingerprint, pipeline.digest, content, "", "", str(unusable)), True
    return Record(source.fingerprint, pipeline.digest, content, key, checksum, "", remark), fresh


def _stored(
    pipeline: Pipeline, source: Source, raw: list[bytes], mask: list[bytes]
) -> tuple[Shaped[np.ndarray, "..."], str]:
    """The array, and the remark of how the scan was read."""
    orientation = _orientation(pipeline)
    try:
        decoded = decode(source.path, raw, orientation=orientation)
        prepared = pipeline.prepare(decoded, _mask(source.mask, mask, orientation) if mask else None)
        return packed(prepared) if pipeline.dtype == "uint8" else prepared, decoded.remark
    except (ArithmeticError, IndexError, RuntimeError, ValueError) as error:
        raise UnusableScan(f"cannot be prepared ({type(error).__name__}: {error})") from error


def _orientation(pipeline: Pipeline) -> str | None:
    return pipeline.orientation if isinstance(pipeline, VolumePipeline) else None


def _fetched_mask(path: str, cache: Cache | None, stamp: str) -> list[bytes]:
    try:
        return fetch_scan(path, cache, stamp)
    except UnreadableFile as unreadable:
        raise UnreadableFile(f"its mask cannot be used: {unreadable}") from None
    except UnusableScan as unusable:
        raise UnusableScan(f"its mask cannot be used: {unusable}") from None


def _mask(path: str, raw: list[bytes], orientation: str | None) -> Scan:
    try:
        decoded = decode(path, raw, orientation=orientation, grey=False)
    except UnusableScan as unusable:
        raise UnusableScan(f"its mask cannot be used: {unusable}") from None
    if isinstance(decoded, Clip):
        raise UnusableScan("its mask cannot be used: it is a video or a still, expected a volume")
    return decoded


def _source(path: str, mask: object) -> Source:
    masked = mask if isinstance(mask, str) else ""
    return Source(path, masked, " ".join(scan_fingerprint(name) for name in (path, masked) if name))


def _known(store: Store) -> dict[str, Record]:
    if not store.prepared():
        return {}
    table = store.table().reindex(columns=["path", *Record._fields], fill_value="")  # earlier ones had no remark
    rows = table[list(Record._fields)].itertuples(index=False)
    return dict(zip(table["path"], map(Record._make, rows), strict=True))


def _current(source: Source, pipeline: Pipeline, known: dict[str, Record], store: Store) -> bool:
    record = known.get(source.path)
    if record is None or (record.fingerprint, record.pipeline) != (source.fingerprint, pipeline.digest):
        return False
    return bool(record.reason) or store.has(record.key)


def _with_records(scans: pd.DataFrame, records: list[Record]) -> pd.DataFrame:
    return scans.reset_index(drop=True).join(pd.DataFrame(records, columns=list(Record._fields)))


def remark_counts(table: pd.DataFrame) -> dict[str, int]:
    """How often each remark was made of a scan that is used, commonest first."""
    remarks = table.loc[(table["reason"] == "") & (table["remark"] != ""), "remark"]
    return {str(remark): int(count) for remark, count in remarks.value_counts().items()}


def _progress(results: Iterable, total: int) -> Iterable:
    console = Console(stderr=True)
    return track(results, "Preparing", total, console=console, disable=not console.is_terminal or total == 0)


def _by_kind(reasons: pd.Series) -> dict[str, int]:
    """Reasons up to their first figure, so that `truncated: 5 bytes` and `truncated: 7 bytes` are one kind."""
    kinds = reasons[reasons != ""].str.replace(r"[:(\d].*", "", regex=True).str.strip()
    return {str(kind): int(count) for kind, count in kinds.value_counts().items()}
