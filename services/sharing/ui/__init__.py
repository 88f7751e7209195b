"""The pages of sharing."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
