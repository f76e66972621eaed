"""Any OpenAPI document as an API: what a mock can know of it without its vendor."""

from .emulator import document_api as document_api
from .loading import SUFFIXES as SUFFIXES
from .loading import DocumentError as DocumentError
