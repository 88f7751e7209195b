# One image for everything of ours: `docker run hatang services.registry api`, `... gateway`.
FROM python:3.13-slim AS made
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/hatang/venv
WORKDIR /opt/hatang/app
COPY requirements.lock ./
RUN /opt/hatang/venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
COPY package.json package-lock.json ./
COPY kernel kernel
COPY infra/local/node.lock infra/local/node.lock
# The browser-side packages come through npm and leave nothing but what pages link to.
RUN python -m pip install --quiet --require-hashes --no-deps --target var/nodejs -r infra/local/node.lock \
 && /opt/hatang/venv/bin/python -m kernel.web.assets \
 && rm -rf node_modules var
COPY contracts contracts
COPY services services
COPY gateway gateway
COPY infra infra

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hatang
COPY --from=made /opt/hatang /opt/hatang
WORKDIR /opt/hatang/app
ENV PATH=/opt/hatang/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0
USER hatang
ENTRYPOINT ["python", "-m"]
CMD ["gateway"]
