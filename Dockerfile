# Footfall and the clients of its servers, for `footfall export compose` and `footfall export kubernetes`.
#
#   docker build --tag footfall:0.1.0 .

# The Python that the tests run with.
FROM python:3.11.14-slim-bookworm AS built

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
COPY constraints.txt ./
# Everything that is installed is named there, with its hashes.
RUN python -m venv /opt/footfall \
    && /opt/footfall/bin/python -m pip install --quiet --require-hashes --requirement constraints.txt

COPY LICENSE README.md pyproject.toml ./
COPY docker/leave_out.py docker/
COPY src src
# Not editable, and nothing from the network: what it needs is there. Then the developers' tools go.
RUN /opt/footfall/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index . \
    && /opt/footfall/bin/python docker/leave_out.py > leave-out.txt \
    && /opt/footfall/bin/python -m pip uninstall --quiet --yes --requirement leave-out.txt


FROM python:3.11.14-slim-bookworm

# A number that no user of the host has; Kubernetes wants to see that it is not root's.
RUN groupadd --gid 10001 footfall \
    && useradd --uid 10001 --gid footfall --home-dir /data --no-create-home --shell /usr/sbin/nologin footfall \
    && install --directory --owner=footfall --group=footfall --mode=0700 /data
COPY --from=built /opt/footfall /opt/footfall

ENV PATH=/opt/footfall/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FOOTFALL_DATA_DIR=/data

USER 10001:10001
WORKDIR /data
# Shop and collector, dashboard, and how a service is (FOOTFALL_STATUS_AT); each listens only when it is told so.
EXPOSE 8000 8001 9100
STOPSIGNAL SIGTERM
# Whatever runs here shows signs of life in /data/run; the deployments ask for their own service alone.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["footfall", "status"]
ENTRYPOINT ["footfall"]
CMD ["--help"]
