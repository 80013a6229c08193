# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What may wait for what, and for how long.
#
# shellcheck disable=SC2154 # note() sets c_* and h_*

# A driver waits for ordinary work of its own in each callback, as drivers do when
# their device goes. The kernel warns if the library's workqueue may not wait for
# it, and a warning fails the run.
flush_in_callbacks()
{
	local callback

	offered a "source rate=100,size=64"
	ctl a passive on
	for callback in opened started post_started process suspend closed; do
		ctl a hook "$callback" flush 50
	done
	expect "enable" ctl a enable
	expect "four callbacks have waited for work" within 10 counts a hooked -eq 4
	rescind a
	closed a
	note a
	expect "and two more" [ "$c_hooked" -eq 6 ]
	expect "Closed once" [ "$c_closed" -eq 1 ]
	ctl a passive off
}

flush_in_pnp_failure()
{
	offered a echo
	host refuse open 1 >/dev/null
	ctl a hook pnp_failure flush 50
	expect "enable" ctl a enable
	expect "pnp_failure has waited for work" within 10 counts a hooked -eq 1
}

waits_all()
{
	scenario "callbacks wait for ordinary work" flush_in_callbacks
	scenario "so does pnp_failure" flush_in_pnp_failure
}
