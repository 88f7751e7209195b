"""The registry's pages, on the same queries and commands as its API."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
