"""The pages of permits."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
