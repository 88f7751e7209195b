ROUTERS: list[object] = []
