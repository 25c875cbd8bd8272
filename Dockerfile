# Dockerfile - one image with the four programs; which of them runs is the command
#   docker build -t callcast .        how they are run together: docker-compose.yml

FROM debian:bookworm-slim AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /callcast
# first and alone: what it installs stays until the list of packages changes
COPY local/packages.sh local/
RUN local/packages.sh build && apt-get clean
COPY . .
RUN make DEPS=no -j"$(nproc)" build/bin/callcast{,-producer,-worker,-notifier} && \
    install -D -s -t /image/usr/local/bin build/bin/callcast{,-producer,-worker,-notifier} && \
    install -D deploy/keys.sh /image/usr/local/bin/callcast-keys
# The packages that they are linked with: the programs are asked, dpkg knows whose libraries these are.
RUN objdump -p /image/usr/local/bin/callcast{,-producer,-worker,-notifier} | \
    awk '/NEEDED/ { print "*/" $2 }' | sort -u | xargs dpkg -S | cut -d: -f1 | sort -u > /packages

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Callcast" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /packages /usr/share/callcast/packages
# ca-certificates: webhooks go to https; curl: health checks, and half a megabyte where libcurl is
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates curl $(cat /usr/share/callcast/packages) && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt && \
    useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin callcast && \
    install -d -o callcast -g callcast -m 700 /keys
COPY --from=build /image /
# each says its version, so each finds its libraries
RUN callcast --version && callcast-producer --version && callcast-worker --version && callcast-notifier --version
USER 10001:10001
CMD ["callcast", "--help"]
