"""`/`: the chat page, and the files of all pages."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from api.http.page_files import CHAT_PAGE, PAGE_FILES, PAGE_FOLDERS, media_type_of

router = APIRouter()


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
def page() -> Response:
    """Send the chat page."""
    return _served(CHAT_PAGE)


def _add_folder(folder: str) -> None:
    """Add the routes of one folder of files. Each folder has routes of its own, as `grants` opens them one by one."""

    @router.head(f"/web/{folder}{{name}}", include_in_schema=False)
    @router.get(f"/web/{folder}{{name}}", include_in_schema=False)
    def page_file(name: str) -> Response:
        """Send a script, a style sheet, a picture, or the HTML of a page in a sub-folder."""
        file = PAGE_FILES.get(folder + name)
        if file is None:
            raise HTTPException(404)
        return _served(file)


for _folder in PAGE_FOLDERS:
    _add_folder(_folder)


def _served(file: Traversable) -> Response:
    # The files are small and near. The browser asks for them again each time, so that after an update it never mixes
    # new files with older ones.
    return Response(file.read_bytes(), media_type=media_type_of(file.name), headers={"cache-control": "no-cache"})
