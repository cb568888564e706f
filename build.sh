#!/bin/sh
# Builds hum in build/: installs the missing build packages (after saying which), configures, compiles.
# Used by ./run and ./check; quick when nothing has changed.
#
#   build.sh            the program
#   build.sh tests      the program and what its tests need
set -eu
cd "$(dirname "$0")"

tools='gcc make autoconf automake autoconf-archive pkg-config libc6-dev'
libraries='libncurses-dev libreadline-dev libyaml-dev libjansson-dev libutf8proc-dev'
[ "${1:-}" = tests ] && libraries="$libraries libcmocka-dev libvterm-dev"

say() { echo "hum: $*" >&2; }

# What of the needed is not installed, on a system with dpkg.
missing_packages() {
	for p in $tools $libraries; do
		case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
		*' installed') ;;
		*) echo "$p" ;;
		esac
	done
}

install_packages() {
	as_root=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			say "please install as root, then start again:  apt-get install $*"
			exit 1
		}
		as_root=sudo
	fi
	say "installing the packages needed to build:" "$@"
	$as_root apt-get update -q >&2
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# On other systems: nothing is installed, but what is missing is named.
check_by_hand() {
	lacking=
	for c in cc make autoconf automake pkg-config; do
		command -v $c >/dev/null || lacking="$lacking $c"
	done
	if command -v pkg-config >/dev/null; then
		for m in ncursesw readline yaml-0.1 jansson libutf8proc; do
			pkg-config --exists $m || lacking="$lacking $m"
		done
	fi
	[ -z "$lacking" ] && return
	say "this system has no apt-get, so nothing was installed for you."
	say "please install with your package manager, then start again:$lacking"
	say "(a C compiler, make, autoconf, automake, pkg-config, and the development files of ncurses"
	say " with wide characters, readline, libyaml, jansson, utf8proc; for the tests cmocka and libvterm)"
	exit 1
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
	packages=$(missing_packages)
	[ -z "$packages" ] || install_packages $packages
else
	check_by_hand
fi

[ -f configure ] && [ ! configure.ac -nt configure ] && [ ! Makefile.am -nt Makefile.in ] || {
	say "preparing the build ..."
	autoreconf -fi >build.log 2>&1 || { cat build.log >&2; exit 1; }
	rm -f build.log
}
mkdir -p build
# A build that was configured before the tests' libraries came is configured again.
if [ ! -f build/config.status ] || { [ "${1:-}" = tests ] && ! grep -q 'HAVE_VTERM_TRUE.*=""' build/config.status; }; then
	say "configuring ..."
	(cd build && ../configure -q)
fi
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
make -s -C build -j"$jobs" all >&2
