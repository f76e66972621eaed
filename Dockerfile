# Mock servers of chat APIs, without what it takes to judge:
#   docker build -t counterfoil . && docker run --rm -p 127.0.0.1:8600:8600 counterfoil bedrock
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY pyproject.toml requirements.lock ./
COPY ci/locked.py ci/
RUN python -m venv /opt/counterfoil \
 && python ci/locked.py --extra redis --extra tls > /tmp/mocks.txt \
 && /opt/counterfoil/bin/pip install --require-hashes --no-deps -r /tmp/mocks.txt
RUN python -m venv /opt/build \
 && python ci/locked.py hatchling > /tmp/build.txt \
 && /opt/build/bin/pip install --require-hashes --no-deps -r /tmp/build.txt
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/counterfoil/bin/pip install --no-deps --no-index /tmp/wheel/*.whl \
 && /opt/counterfoil/bin/pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Counterfoil" \
      org.opencontainers.image.description="Mock servers of chat APIs" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin counterfoil
COPY --from=build /opt/counterfoil /opt/counterfoil
ENV PATH=/opt/counterfoil/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
# What is kept (--state sqlite:conversations.db) and a counterfoil.toml of one's own are here.
WORKDIR /data
EXPOSE 8600
# Then requests that were begun are answered, and streams end.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8600/_counterfoil/health', timeout=2)"]
# Whoever calls comes from another host: the admin pages need COUNTERFOIL_ADMIN_TOKEN.
ENTRYPOINT ["counterfoil", "serve", "--host", "0.0.0.0"]
