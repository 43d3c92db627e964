# autoreward on the CPU:  docker build --file docker/cpu.Dockerfile --tag autoreward .
# How it is run: docs/clusters.md. From Debian come what the Makefile needs, and OpenGL without a screen, for pictures.
FROM python:3.11.13-slim-bookworm
# Debian keeps one version of a package only: a pinned one is gone with the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libegl1 libgl1-mesa-dri make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 autoreward
WORKDIR /opt/autoreward
COPY LICENSE Makefile README.md constraints.txt pyproject.toml ./
COPY autoreward autoreward
COPY envs envs
COPY prompts prompts
RUN PIP_NO_CACHE_DIR=1 make venv TORCH=cpu EXTRAS=ray,slurm
ENV PATH=/opt/autoreward/.venv/bin:$PATH XDG_CACHE_HOME=/tmp/cache
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["autoreward"]
CMD ["--help"]
