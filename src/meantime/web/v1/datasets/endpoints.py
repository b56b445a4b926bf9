"""The endpoints of data sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec

from meantime.dataset.uploads import LONGEST_FILE_NAME
from meantime.errors import (
    AnswersBusy,
    BodyInvalid,
    BodyNotFile,
    BodyNotJson,
    BodyTooLarge,
    CursorInvalid,
    DatasetNameTaken,
    DatasetUnknown,
    OperatorOnly,
    ReloadFailed,
    RequestInvalid,
    ShuttingDown,
    StoreFull,
    StorePaused,
)
from meantime.formats.citation import SYNTHETIC
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Header, Link, Outcome, Parameter
from meantime.web.http.prefer import PREFERENCE, PREFERENCE_APPLIED, WAIT_LIMIT_S
from meantime.web.v1.datasets.address import HEADERS, NAME, READY
from meantime.web.v1.datasets.handlers import get_dataset, list_datasets, list_rejected
from meantime.web.v1.datasets.pages import PAGE, PAGE_LIMIT, DatasetList, RejectedPage, Reloaded, TableDescription
from meantime.web.v1.datasets.reload import reload_dataset
from meantime.web.v1.datasets.resource import DatasetResource
from meantime.web.v1.datasets.uploads import (
    MEDIA_TYPE,
    describe_dataset,
    get_description,
    remove_dataset,
    upload_dataset,
)

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_SUMMARY = {
    "name": "sample",
    "is_default": True,
    "uploaded": False,
    "status": "ready",
    "reading": None,
    "failure": None,
    "title": "Synthetic sample",
    "fingerprint": "9f2c" * 16,
    "synthetic": True,
    "rows": 20000,
    "cells": 19874,
    "withheld": 1034,
    "rejected": 0,
    "links": {
        "self": "/v1/datasets/sample",
        "coverage": "/v1/datasets/sample/coverage",
        "rejected": "/v1/datasets/sample/rejected",
        "reload": "/v1/datasets/sample/reload",
    },
}
_LISTED = {"datasets": [_SUMMARY], "may_reload": True, "may_upload": True}
_DATASET = {
    **_SUMMARY,
    "withheld_by_reason": {"~": 1034},
    "roles": {"question": "Question", "location": "LocationDesc", "value": "Data_Value"},
    "columns": ["Question", "LocationDesc", "Data_Value"],
    "questions": [
        {
            "text": _QUESTION,
            "title": "Obesity",
            "topic": "Obesity / Weight Status",
            "unit": "percent",
            "polarity": "lower",
            "has_total": True,
            "default_group": None,
            "default_reference": {"category": "Age (years)", "stratum": "18 - 24"},
            "years": {"first": 2011, "last": 2022},
            "cells": 2210,
            "rows": 2224,
            "withheld": 115,
            "value_types": [{"name": "Value", "unit": "percent"}],
        }
    ],
    "locations": [
        {
            "name": "Utah",
            "cells": 364,
            "is_aggregate": False,
            "point": {"latitude": 39.36, "longitude": -111.587},
            "no_point": None,
        }
    ],
    "maps": ["state_map", "map"],
    "categories": [{"name": "Sex", "strata": ["Female", "Male"], "cells": 1438}],
    "periods": [{"first": 2022, "last": 2022}],
    "files": ["sample.csv"],
    "encoding": "utf-8",
    "delimiter": ",",
    "decimal_mark": ".",
    "origin": {},
    "citation": f'{SYNTHETIC}: Synthetic sample (data set "sample"), fingerprint {"9f2c" * 16}. Read by Meantime.',
    "warnings": [],
}
_DESCRIPTION = {"toml": '[columns]\nlocation = "Land"\n'}
_LINE = {"file": "table.csv", "line": 17, "reason": "5 fields where the header has 6"}


def _link(name: str, operation: str, description: str, of: str = "$response.body#/name") -> Link:
    return Link(name=name, operation=operation, parameters={"name": of}, description=description)


def _being_read(description: str) -> Outcome:
    """Return the outcome of a request after which an uploaded table is read."""
    return Outcome(
        status=202,
        description=description,
        content={"application/json": DatasetResource},
        example={**_DATASET, "uploaded": True},
        headers=(
            Header(name="Location", description="Address of the data set."),
            Header(name="Retry-After", description="Seconds after which to check."),
            conditional.CACHE_CONTROL,
        ),
        links=(_link("dataset", "get_dataset", "The current state."),),
    )


_LINKS = (
    _link("rejected", "list_rejected", "Its rejected lines."),
    _link("reload", "reload_dataset", "Read its files again."),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="list_datasets",
        method="GET",
        path="/v1/datasets",
        tag="datasets",
        summary="List the data sets",
        description="In the order in which they were given to the server. The first one is used if no data set is "
        "named.",
        handle=list_datasets,
        parameters=(conditional.IF_NONE_MATCH,),
        outcomes=(
            Outcome(
                status=200,
                description="Every data set.",
                content={"application/json": DatasetList},
                example=_LISTED,
                headers=HEADERS,
                links=(_link("first", "get_dataset", "The first one.", "$response.body#/datasets/0/name"),),
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(RequestInvalid,),
    ),
    Endpoint(
        name="upload_dataset",
        decides_itself=True,
        method="POST",
        path="/v1/datasets",
        tag="datasets",
        summary="Upload a table",
        description="The body is the file itself. It is kept below the server's state directory and read like any "
        "other; the answer comes when the file is on disk and before it is read: see `status` of the data set. For the "
        "operator only: from the server's own machine, from its page in a browser there, or with a key with the role "
        "operate.",
        handle=upload_dataset,
        body_media=MEDIA_TYPE,
        parameters=(
            Parameter(
                name="file",
                where="query",
                kind=Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_FILE_NAME)],
                description="The file's name.",
                required=True,
                example="obesity.csv",
            ),
            Parameter(
                name="name",
                where="query",
                kind=Annotated[str, msgspec.Meta(min_length=1, max_length=80)],
                description="Name of the data set; by default one like that of the file.",
                example="obesity",
            ),
        ),
        outcomes=(_being_read("The file is kept, and is being read."),),
        problems=(
            BodyNotFile,
            BodyTooLarge,
            DatasetNameTaken,
            OperatorOnly,
            RequestInvalid,
            ShuttingDown,
            StoreFull,
            StorePaused,
        ),
    ),
    Endpoint(
        name="remove_dataset",
        decides_itself=True,
        method="DELETE",
        path="/v1/datasets/{name}",
        tag="datasets",
        summary="Remove an uploaded table",
        description="Its file is removed. Results of its jobs are kept; jobs that wait for it to be read fail. For the "
        "same people as an upload.",
        handle=remove_dataset,
        parameters=(replace(NAME, example="obesity"),),
        outcomes=(
            Outcome(
                status=200,
                description="It was removed.",
                content={"application/json": DatasetList},
                example=_LISTED,
                headers=(conditional.CACHE_CONTROL,),
            ),
        ),
        problems=(DatasetUnknown, OperatorOnly, RequestInvalid),
    ),
    Endpoint(
        name="get_description",
        decides_itself=True,
        method="GET",
        path="/v1/datasets/{name}/description",
        tag="datasets",
        summary="Get what is said of an uploaded table",
        description="The TOML file next to it: names of columns, source, units. For the same people as an upload.",
        handle=get_description,
        parameters=(replace(NAME, example="obesity"),),
        outcomes=(
            Outcome(
                status=200,
                description="The TOML.",
                content={"application/json": TableDescription},
                example=_DESCRIPTION,
                headers=(conditional.CACHE_CONTROL,),
            ),
        ),
        problems=(DatasetUnknown, OperatorOnly, RequestInvalid, StoreFull, StorePaused),
    ),
    Endpoint(
        name="describe_dataset",
        decides_itself=True,
        method="POST",
        path="/v1/datasets/{name}/description",
        tag="datasets",
        summary="Say what an uploaded table does not",
        description="Write the TOML file next to it, in place of what was there, and read the table again: see "
        "`status` of the data set. For the same people as an upload.",
        handle=describe_dataset,
        parameters=(replace(NAME, example="obesity"),),
        body=TableDescription,
        body_example=_DESCRIPTION,
        outcomes=(_being_read("It is kept, and the table is being read."),),
        problems=(
            BodyInvalid,
            BodyNotJson,
            BodyTooLarge,
            DatasetUnknown,
            OperatorOnly,
            RequestInvalid,
            StoreFull,
            StorePaused,
        ),
    ),
    Endpoint(
        name="get_dataset",
        method="GET",
        path="/v1/datasets/{name}",
        tag="datasets",
        summary="Get a data set",
        description="Its questions, locations, categories and years, how its files were interpreted, and its "
        "state. This also works while it is loading or if it could not be loaded: see `status`, "
        "`reading` and `failure`.",
        handle=get_dataset,
        parameters=(NAME, conditional.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="The data set.",
                content={"application/json": DatasetResource},
                example=_DATASET,
                headers=HEADERS,
                links=_LINKS,
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(DatasetUnknown, RequestInvalid, AnswersBusy),
    ),
    Endpoint(
        name="list_rejected",
        method="GET",
        path="/v1/datasets/{name}/rejected",
        tag="datasets",
        summary="List rejected lines",
        description="Lines that could not be read as rows, with file, line number and reason. If there are very "
        "many, only the first ones are recorded: `total` counts all, `known` those that can be "
        "listed.",
        handle=list_rejected,
        parameters=(
            NAME,
            Parameter(
                name="limit",
                where="query",
                kind=Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)],
                description=f"Maximum number of lines on a page; {PAGE} by default.",
                example=20,
            ),
            Parameter(
                name="cursor",
                where="query",
                kind=str,
                description="`next` of the previous page. It becomes invalid if a reload finds other lines.",
            ),
            conditional.IF_NONE_MATCH,
        ),
        outcomes=(
            Outcome(
                status=200,
                description="A page of lines.",
                content={"application/json": RejectedPage},
                example={
                    "dataset": "sample",
                    "fingerprint": "9f2c" * 16,
                    "total": 1,
                    "known": 1,
                    "rejected": [_LINE],
                    "next": None,
                    "links": {"next": None},
                },
                headers=(
                    *HEADERS,
                    Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False),
                ),
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(*READY, CursorInvalid),
    ),
    Endpoint(
        name="reload_dataset",
        decides_itself=True,
        method="POST",
        path="/v1/datasets/{name}/reload",
        tag="datasets",
        summary="Reload a data set",
        description="Reads its files again. If they have changed, the new content is served as soon as all of it "
        "has been read; jobs keep using the content that they were accepted with. Until then, and if "
        "reading fails, the previous content is served. For the operator only: from the server's own "
        "machine, or with the administrator's key.",
        handle=reload_dataset,
        parameters=(
            NAME,
            Parameter(
                name="Prefer",
                where="header",
                kind=PREFERENCE,
                description=f"`wait=N` (RFC 7240): wait until it is done, for up to N seconds, at most {WAIT_LIMIT_S}.",
                example="wait=10",
            ),
            Parameter(
                name="X-Admin-Key",
                where="header",
                kind=str,
                description="The administrator's key (the setting admin_key); required from other machines.",
            ),
        ),
        outcomes=(
            Outcome(
                status=200,
                description="The reload is done.",
                content={"application/json": Reloaded},
                example={"outcome": "replaced", "dataset": _DATASET},
                headers=(PREFERENCE_APPLIED, conditional.CACHE_CONTROL),
            ),
            Outcome(
                status=202,
                description="The reload is in progress.",
                content={"application/json": Reloaded},
                example={
                    "outcome": "reading",
                    "dataset": {**_DATASET, "reading": {"phase": "waiting", "share": 0.0, "rows": None}},
                },
                headers=(
                    Header(name="Location", description="Address of the data set."),
                    Header(name="Retry-After", description="Seconds after which to check again."),
                    PREFERENCE_APPLIED,
                    conditional.CACHE_CONTROL,
                ),
                links=(_link("dataset", "get_dataset", "The current state.", "$response.body#/dataset/name"),),
            ),
        ),
        problems=(DatasetUnknown, OperatorOnly, RequestInvalid, ReloadFailed, ShuttingDown),
    ),
)
