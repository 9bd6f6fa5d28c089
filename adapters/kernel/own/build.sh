#!/bin/sh
# Builds a small kernel with coverage and fault injection, for `vfio-conform run --target kernel:PATH --coverage`.
#
#   build.sh OUTPUT_DIR [SOURCE_TREE]
#
# Without a source tree, fetches Debian's linux-source-6.12. Leaves in OUTPUT_DIR: bzImage, modules/, coverage/ (what
# the compiler noted of the files that count, and their sources), and build/, which may be deleted. JOBS sets how many
# compilers run at once.
set -eu

version=6.12
counted='container group vfio_main vfio_iommu_type1'
here=$(cd "$(dirname "$0")" && pwd)

die() {
	echo "build.sh: $*" >&2
	exit 1
}

[ $# -ge 1 ] && [ $# -le 2 ] || die 'usage: build.sh OUTPUT_DIR [SOURCE_TREE]'
mkdir -p "$1"
out=$(cd "$1" && pwd)

missing=
need() {
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need gcc gcc
need make make
need flex flex
need bison bison
need bc bc
need perl perl
need xz xz-utils
[ -e /usr/include/gelf.h ] || missing="$missing libelf-dev"
[ -z "$missing" ] || die "install what is missing: apt-get install$missing"

if [ $# -eq 2 ]; then
	source=$(cd "$2" && pwd)
else
	source=$out/source/linux-source-$version
	if [ ! -e "$source/Makefile" ]; then
		fetch=$out/fetch
		rm -rf "$fetch"
		mkdir -p "$fetch" "$out/source"
		(cd "$fetch" && apt-get download "linux-source-$version") ||
			die "apt-get cannot fetch linux-source-$version; unpack a source tree and name it: build.sh OUTPUT_DIR SOURCE_TREE"
		dpkg-deb -x "$fetch"/*.deb "$fetch/tree"
		tar -C "$out/source" -xf "$fetch/tree/usr/src/linux-source-$version.tar.xz"
		rm -rf "$fetch"
	fi
fi
[ -e "$source/drivers/vfio/container.c" ] ||
	die "$source is no source tree of Linux 6.2 or later: drivers/vfio/container.c is not there"

# On the command line, so that the source tree stays as it is. A variable holds for every object of that name.
profile=
for file in $counted; do profile="$profile GCOV_PROFILE_$file.o=y"; done
kernel() {
	# shellcheck disable=SC2086
	nice -n 5 make -C "$source" O="$out/build" -j"${JOBS:-$(nproc)}" -s $profile "$@"
}

mkdir -p "$out/build"
kernel KCONFIG_ALLCONFIG="$here/kernel.config" allnoconfig
while read -r line; do
	case $line in
	CONFIG_*) grep -qxF "$line" "$out/build/.config" || die "this kernel cannot have $line; see adapters/kernel/own/kernel.config" ;;
	esac
done <"$here/kernel.config"
kernel bzImage modules

rm -rf "$out/modules" "$out/coverage"
mkdir -p "$out/modules" "$out/coverage/drivers/vfio"
cp "$out/build/arch/x86/boot/bzImage" "$out/bzImage"
find "$out/build" -name '*.ko' -exec cp {} "$out/modules" \;
for file in $counted; do
	cp "$out/build/drivers/vfio/$file.gcno" "$source/drivers/vfio/$file.c" "$out/coverage/drivers/vfio/"
done
echo "$out/bzImage is ready: vfio-conform run --target kernel:$out/bzImage --coverage"
