# autoreward on a GPU:  docker build --file docker/cuda.Dockerfile --tag autoreward:cuda .
# How it is run: docs/clusters.md. CUDA comes with torch, its driver from the host (NVIDIA Container Toolkit). From
# Debian come what the Makefile needs, and what NVIDIA's OpenGL needs, for pictures.
FROM python:3.11.13-slim-bookworm
# Debian keeps one version of a package only: a pinned one is gone with the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libegl1 make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 autoreward
WORKDIR /opt/autoreward
COPY LICENSE Makefile README.md constraints.txt pyproject.toml ./
COPY autoreward autoreward
COPY envs envs
COPY prompts prompts
RUN PIP_NO_CACHE_DIR=1 make venv TORCH=cuda EXTRAS=gpu,ray,slurm
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics
ENV PATH=/opt/autoreward/.venv/bin:$PATH XDG_CACHE_HOME=/tmp/cache
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["autoreward"]
CMD ["--help"]
