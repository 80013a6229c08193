# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of any Debian suite from the mirror that this machine already uses,
# without changing anything on it: apt with a state of its own below $BUILD.
# Source it after lib.sh.
#
#   apt_root SUITE...       prepare apt for these suites, and only these; suites
#                           that the archive no longer has are left out. With
#                           APT_ARCH=arm64 for that architecture, and not this one
#   apt_private ARGS...     apt-get there, for example: apt_private download P
#   apt_cache ARGS...       apt-cache there
#   apt_debs PACKAGE...     download (apt verifies the hashes); prints the path
#                           of each .deb, all in $BUILD/debs

APT_ROOT=

# The archive's address as apt itself reads it from the machine's sources.
apt_archive()
{
	local kind=$1 codename

	# shellcheck disable=SC1091 # a file of the system
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-sid}")
	# shellcheck disable=SC2016 # apt replaces these, not the shell
	apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(SIGNED_BY)' \
		'Created-By: Packages' 2>/dev/null </dev/null |
		awk -v kind="$kind" -v codename="$codename" '
			$2 ~ /^cdrom:/ { next }
			kind == "security" && $1 ~ /-security$/ ||
			kind == "main" && ($1 == codename ||
				$1 ~ /^(oldstable|stable|testing|unstable|sid)$/) {
				if (!found++)
					print $2, $3
			}'
}

# Update the package lists of the suites in sources/. If the archive does not have
# one of them, update again without it.
apt_update()
{
	local log=$APT_ROOT/update.log sources=$APT_ROOT/sources/debian.sources gone

	! apt_lists || return 0
	gone=$(sed -nE "s/^E: The repository '[^']* ([^ ']+) Release' (does not have|no longer has) a Release file.*/\1/p" \
		"$log" | paste -sd '|')
	[ -n "$gone" ] || return 1
	say "the archive has no ${gone//|/, no }"
	awk -v RS= -v ORS='\n\n' -v gone="Suites: ($gone)\n" '$0 !~ gone' \
		"$sources" >"$APT_ROOT/left.sources"
	mv "$APT_ROOT/left.sources" "$sources"
	apt_lists
}

apt_lists()
{
	apt_private -q update >"$APT_ROOT/update.log" 2>&1 &&
		! grep -q '^[EW]:.*Failed to fetch' "$APT_ROOT/update.log"
}

apt_root()
{
	local suite kind uri key list asked

	# shellcheck disable=SC1091 # a file of the system
	[ "$(. /etc/os-release && printf '%s' "$ID")" = debian ] ||
		die "Debian is needed here, to fetch Debian's kernel packages"

	APT_ROOT=$BUILD/apt/${APT_ARCH:+$APT_ARCH-}$(IFS=+ && printf '%s' "$*")
	mkdir -p "$APT_ROOT"/{lists/partial,cache/archives/partial,sources} \
		"$BUILD/debs"
	: >"$APT_ROOT/status"

	# Read after the machine's own configuration, whose proxy and
	# credentials are used. None of the machine's hooks may run.
	cat >"$APT_ROOT/apt.conf" <<-END
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear APT::Default-Release;
	Dir::State "$APT_ROOT";
	Dir::State::lists "$APT_ROOT/lists";
	Dir::State::status "$APT_ROOT/status";
	Dir::Cache "$APT_ROOT/cache";
	Dir::Etc::sourcelist "/dev/null";
	Dir::Etc::sourceparts "$APT_ROOT/sources";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::Log "$APT_ROOT";
	APT::Sandbox::User "root";
	APT::Install-Recommends "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	END
	[ -z "${APT_ARCH:-}" ] || cat >>"$APT_ROOT/apt.conf" <<-END
	#clear APT::Architectures;
	APT::Architecture "$APT_ARCH";
	APT::Architectures { "$APT_ARCH"; };
	END

	list=$APT_ROOT/new.sources
	: >"$list"
	for suite; do
		kind=main
		[[ $suite != *-security ]] || kind=security
		read -r uri key <<<"$(apt_archive "$kind")"
		[ -n "$uri" ] ||
			die "found no Debian $kind archive in this machine's apt sources"
		[[ $key == /* ]] ||
			key=/usr/share/keyrings/debian-archive-keyring.gpg
		cat >>"$list" <<-END
		Types: deb
		URIs: $uri
		Suites: $suite
		Components: main
		Signed-By: $key

		END
	done

	# Lists of the same sources serve for a day.
	asked=$APT_ROOT/asked.sources
	exec {apt_lock}>"$APT_ROOT/lock"
	flock "$apt_lock"
	if ! cmp -s "$list" "$asked" ||
	   [ -z "$(find "$APT_ROOT/updated" -mtime -1 2>/dev/null)" ]; then
		cp "$list" "$APT_ROOT/sources/debian.sources"
		say "reading the package lists of $*"
		if apt_update; then
			touch "$APT_ROOT/updated"
			mv "$list" "$asked"
		elif [ -e "$APT_ROOT/updated" ]; then
			say "that failed, the older lists have to do"
		else
			die "apt-get update failed, see $APT_ROOT/update.log"
		fi
	fi
	exec {apt_lock}>&-
}

apt_private()
{
	apt-get -c "$APT_ROOT/apt.conf" "$@" </dev/null
}

apt_cache()
{
	apt-cache -c "$APT_ROOT/apt.conf" "$@" </dev/null
}

# apt verifies what it downloads, but not a file of the right size that exists
# already: so check the hash before and after.
apt_debs()
{
	local uris name hash

	uris=$(apt_private download --print-uris "$@" 2>&1) ||
		die "no such package: $* ($uris)"
	uris=$(sed -n "s/^'.*' \\(.*\\) [0-9]* SHA256:/\\1 /p" <<<"$uris")
	[ "$(wc -l <<<"$uris")" -eq $# ] || die "apt knows no hash for: $*"
	(
		cd "$BUILD/debs" || exit
		exec {lock}>.lock
		flock "$lock"
		while read -r name hash; do
			[ ! -e "$name" ] ||
			sha256sum --quiet -c - <<<"$hash  $name" ||
				rm -f "$name"
		done <<<"$uris"
		apt_private -q download "$@" || exit
		while read -r name hash; do
			sha256sum --quiet -c - <<<"$hash  $name" || exit
		done <<<"$uris"
	) >>"$APT_ROOT/download.log" 2>&1 || {
		rm -f "$APT_ROOT/updated" # the lists may be behind the archive
		die "the download of $* failed, see $APT_ROOT/download.log"
	}
	while read -r name hash; do
		printf '%s\n' "$BUILD/debs/$name"
	done <<<"$uris"
}
