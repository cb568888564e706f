#!/bin/sh
# The kernels for ARM, NEON and SMMLA: builds hum for 64-bit ARM in build-neon/, runs the tests of the kernels under qemu-user.
#
# Needs a cross compiler, qemu-user, and the libraries for arm64. On Debian, as root:
#   dpkg --add-architecture arm64; apt-get update
#   apt-get install gcc-aarch64-linux-gnu qemu-user libc6-dev-arm64-cross lib{ncurses,readline,yaml,jansson,utf8proc,cmocka}-dev:arm64
set -u
cd "$(dirname "$0")/.." || exit 99
host=aarch64-linux-gnu
build=build-neon
for tool in $host-gcc qemu-aarch64; do
	command -v $tool >/dev/null || { echo "$0: $tool is missing: see the top of this script" >&2; exit 99; }
done
tests=
for t in matmul ops quant kv sampler; do
	tests="$tests tests/engine/test_$t"
done
mkdir -p $build
[ -f $build/config.status ] || (cd $build && PKG_CONFIG_LIBDIR=/usr/lib/$host/pkgconfig:/usr/share/pkgconfig \
	../configure -q --host=$host --enable-werror) || exit 1
exec tests/summary.sh $build "TESTS=$tests" "LOG_COMPILER=qemu-aarch64 -L /usr/$host"
