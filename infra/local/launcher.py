"""`make run`: from an empty folder to the running product, and back to nothing."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from types import FrameType

from infra.local import child, fork, keycloak, nats, place, postgres, probe, schema
from infra.local.console import Console, tail
from infra.local.errors import CannotStart
from infra.local.identity.realm import load
from infra.local.options import Options
from infra.local.place import Lock
from infra.local.ports import free_ports, is_taken
from infra.local.postgres import ROLES, SERVICES, Cluster
from infra.local.product import Product
from infra.local.supervisor import Program, Running, Supervisor, spawned

SEED = "infra.local.seed"
SEEDED = "seeded"


class Stopped(BaseException):
    """The person or the system wants us to end: Ctrl-C, SIGTERM, a closed terminal."""


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, signal.SIG_IGN)
        raise Stopped

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, stop)
    yield


def run(options: Options, console: Console) -> None:
    """Runs until it is told to stop; CannotStart, after ending what had started, when it can't come up."""
    with _stoppable():
        lock = place.open_folder(options.folder)
        supervisor = Supervisor(options.folder / "log", console)
        try:
            _start(options, console, supervisor, lock)
            supervisor.watch()
        except Stopped:
            console.say("\nStopping ...")
        finally:
            supervisor.stop()
            lock.release()


def migrate(options: Options, console: Console) -> None:
    """Brings the databases up to date and ends: with the embedded PostgreSQL, or with the given servers."""
    with _stoppable(), _database(options, console) as product:
        _migrate(product, console)
        console.say("The databases are up to date.")


def revise(options: Options, console: Console, service: str, message: str) -> None:
    """Writes a migration from the difference between the service's tables and its migrated database."""
    with _stoppable(), _database(options, console) as product:
        _migrate(product, console, [service])
        env = product.service_settings(service, owner=True)
        argv = [sys.executable, "-m", f"services.{service}", "revision", message]
        subprocess.run(argv, env=env, check=True)  # noqa: S603


def verify(options: Options, console: Console) -> bool:
    """Each service's own proof, then every copy against its source; the product is running. Whether all is well."""
    ports = place.noted_ports(options.folder)
    product = _addressed(options, place.credentials(options.folder), ports, None)
    well = [_verb(product, service, "verify").returncode == 0 for service in SERVICES]
    told = {service: json.loads(_verb(product, service, "digest", capture=True).stdout or "{}") for service in SERVICES}
    for service, copies in told.items():
        for copy, digest in copies.items():
            source, _, thing = copy.partition(".")
            if source in told and told[source].get(thing) != digest:
                console.trouble(service, f"its copy of {copy} differs from the source")
                well.append(False)
    console.say("All is well." if all(well) else "Faults were found.")
    return all(well)


def _verb(product: Product, service: str, verb: str, *, capture: bool = False) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", f"services.{service}", verb]
    out = subprocess.PIPE if capture else None
    return subprocess.run(argv, env=product.service_settings(service), text=True, stdout=out, check=False)  # noqa: S603


@contextlib.contextmanager
def _database(options: Options, console: Console) -> Iterator[Product]:
    lock = place.open_folder(options.folder)
    supervisor = Supervisor(options.folder / "log", console)
    try:
        product = _product(options, lock)
        if product.cluster is not None:
            supervisor.start([_postgres(product.cluster, options, console)])
            postgres.bootstrap(product.cluster, {role: product.secrets[role] for role in ROLES})
        yield product
    finally:
        supervisor.stop()
        lock.release()


def _start(options: Options, console: Console, supervisor: Supervisor, lock: Lock) -> None:
    began = time.monotonic()
    _check_ports(options)
    product = _product(options, lock)
    servers = _servers(product, console)
    if fork.can_fork():
        with _first_processes(supervisor, servers):
            fork.preload()
    else:
        supervisor.start(servers)
    if product.cluster is not None:
        postgres.bootstrap(product.cluster, {role: product.secrets[role] for role in ROLES})
    _migrate(product, console)
    supervisor.start(product.programs())
    _seed(product, console, supervisor)
    _welcome(product, console, time.monotonic() - began)


@contextlib.contextmanager
def _first_processes(supervisor: Supervisor, servers: list[Program]) -> Iterator[None]:
    """The servers come up while we import."""
    supervisor.launch(servers)
    yield
    supervisor.wait_ready()


def _check_ports(options: Options) -> None:
    for name, port in (("PORT", options.port), ("IDENTITY_PORT", options.identity_port)):
        if name == "IDENTITY_PORT" and not options.starts_identity:
            continue
        if is_taken(port):
            raise CannotStart(f"Port {port} is taken by another program: stop it, or choose another with {name}=...")


def _product(options: Options, lock: Lock) -> Product:
    folder = options.folder
    secrets = place.credentials(folder)
    place.development_seal(folder, secrets["seal"])
    wanted = [*SERVICES, "postgres", "nats", "smtp", "mailbox"]
    measured = [f"{service}.{part}" for service in SERVICES for part in ("api", "worker")] + ["gateway"]
    ports = dict(zip([*wanted, *measured], free_ports(len(wanted) + len(measured)), strict=True))
    for name in wanted:
        ports[name] = int(options.environ.get(f"{name.upper()}_PORT", ports[name]))
    place.note_ports(folder, ports)
    return _addressed(options, secrets, ports, lock)


def _addressed(options: Options, secrets: Mapping[str, str], ports: Mapping[str, int], lock: Lock | None) -> Product:
    folder = options.folder
    cluster, broker = None, None
    if options.starts_postgres:
        cluster = postgres.prepare(folder / "postgres", port=ports["postgres"], password=secrets["postgres"])
    if options.starts_nats:
        broker = nats.prepared(folder, ports["nats"])
    return Product(options, secrets, ports, cluster, broker, lock)


def _servers(product: Product, console: Console) -> list[Program]:
    servers = []
    if product.cluster is not None:
        servers.append(_postgres(product.cluster, product.options, console))
    if product.broker is not None:
        broker = product.broker
        servers.append(Program("nats", spawned(broker.command()), broker.is_ready, f"127.0.0.1:{broker.port}"))
    if product.options.starts_identity:
        servers.append(_keycloak(product, console) if product.options.identity == "keycloak" else _identity(product))
    return servers


def _postgres(cluster: Cluster, options: Options, console: Console) -> Program:
    if cluster.folder.parent != options.folder:
        user = cluster.account.name if cluster.account else ""
        console.note("postgres", f"user {user} can't reach {options.folder}: the data is in {cluster.folder}")
    command = cluster.command()
    return Program("postgres", spawned(command), cluster.is_ready, f"127.0.0.1:{cluster.port}", command.stop_signal)


def _identity(product: Product) -> Program:
    options = product.options
    env = {
        **options.environ,
        "IDENTITY_HOST": "127.0.0.1",
        "IDENTITY_PORT": str(options.identity_port),
        "IDENTITY_FOLDER": str(options.folder / "identity"),
        "GATEWAY_ADMIN_SECRET": product.gateway_settings()["GATEWAY_ADMIN_SECRET"],
        "GATEWAY_CLIENT_SECRET": product.gateway_settings()["GATEWAY_CLIENT_SECRET"],
        "PUBLIC_URL": options.public_url,
        "PYTHONPATH": product.gateway_settings()["PYTHONPATH"],
    }
    command = child.Command([sys.executable, "-m", "infra.local.identity"], env)
    address = f"http://127.0.0.1:{options.identity_port}"
    return Program("identity", spawned(command), lambda: probe.is_ready(f"{address}/health/ready"), address)


def _keycloak(product: Product, console: Console) -> Program:
    options = product.options
    console.note(
        "keycloak",
        f"looking for Keycloak {keycloak.VERSION}; the first time it is fetched and prepared, about a minute",
    )
    env = {
        **options.environ,
        "GATEWAY_ADMIN_SECRET": product.gateway_settings()["GATEWAY_ADMIN_SECRET"],
        "GATEWAY_CLIENT_SECRET": product.gateway_settings()["GATEWAY_CLIENT_SECRET"],
        "PUBLIC_URL": options.public_url,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": product.secrets["keycloak"],
    }
    command = keycloak.fetch(options.environ).command(options.folder / "keycloak", options.identity_port, env)
    ready = f"{options.issuer}/.well-known/openid-configuration"
    address = f"http://127.0.0.1:{options.identity_port}"
    return Program("keycloak", spawned(command), lambda: probe.is_ready(ready), address, start_seconds=180)


def _migrate(product: Product, console: Console, services: Sequence[str] = SERVICES) -> None:
    """As children and at the same time: each has a database of its own."""
    folder = product.options.folder
    due = [
        name for name in services if not schema.is_current(product.package(name), product.database_url(name), folder)
    ]
    running = [
        (name, _child(product, f"services.{name}", "migrate", product.service_settings(name, owner=True)))
        for name in due
    ]
    for name, process in running:
        if process.wait() != 0:
            log = folder / "log" / f"{name}.migrate.log"
            raise CannotStart(f"The database of {name} could not be migrated; the end of {log}:\n{tail(log, 8)}")
        schema.note_published(product.package(name), folder)
        console.note(name, "database migrated")


def _child(product: Product, module: str, verb: str, env: dict[str, str]) -> Running:
    name = f"{module.rpartition('.')[2]}.{verb}" if verb else module.rpartition(".")[2]
    with (product.options.folder / "log" / f"{name}.log").open("ab") as log:
        return product.run(module, [verb] if verb else [], env, log.fileno())


def _seed(product: Product, console: Console, supervisor: Supervisor) -> None:
    """Once, at the first start of a demo; the seed itself leaves a database alone that holds anything."""
    marker = product.options.folder / SEEDED
    if not product.options.demo or marker.exists() or find_spec(SEED) is None:
        return
    console.note("seed", "filling the demo, about half a minute")
    began = time.monotonic()
    process = _child(product, SEED, "", product.everything())
    while process.poll() is None:
        supervisor.watch(0.2)
    log = product.options.folder / "log" / "seed.log"
    if process.poll() == 0:
        marker.touch()
        console.note("seed", f"demo filled in {time.monotonic() - began:.0f} s")
    else:
        console.trouble("seed", f"the demo was not filled; the end of {log}:\n{tail(log, 8)}")


def _welcome(product: Product, console: Console, seconds: float) -> None:
    options = product.options
    console.say(f"\nReady in {seconds:.1f} s: {console.strong(options.public_url)}  (Ctrl-C stops everything)")
    if not options.starts_identity:
        return
    realm = load(environ=options.environ)
    by_password = options.identity == "keycloak"
    console.say(
        "Demo sign-ins" + (" (password demo-<name>):" if by_password else " (picked on the sign-in page, no password):")
    )
    for person in realm.people.values():
        organisation = realm.organisations.get(person.org, person.org)
        console.say(f"  {person.username:<14} {person.name:<18} {organisation}: {', '.join(person.capabilities)}")
    clients = ", ".join(name for name, client in realm.clients.items() if client.account and client.account.org)
    console.say(f"Demo clients (secret demo-<client id>): {clients}")
    if options.starts_mailbox:
        console.say(f"Mails of the demo: {product.address('mailbox')}")
    console.say(f"Data and logs: {options.folder}")
