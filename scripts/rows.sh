# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The table of faults, Documentation/faults.rst: what make soak ROW=N runs.
#
#   row N	sets what (scenarios, garble or soak), script (its name in the guest),
#		kernel, and words for the guest; fails if there is no such row. COUNT
#		is of rounds of each scenario, of mutations, of cycles, of minutes, or
#		of what a scenario that has only one round counts itself
#
# shellcheck disable=SC2034 # used by what sources this

row()
{
	local names=() rounds=1 count

	what=scenarios kernel=6.12
	case $1 in
	1)	count=100 rounds=
		names=(rescind_idle rescind_full_ring rescind_in_flight rescind_held
			rescind_inside_{opened,started,post_started,pnp_failure}
			rescind_inside_{suspend,closed,process,processed,done,sync}
			rescind_sync_in_post_started rescind_while_opening
			rescind_while_making_rings rescind_while_disabling
			rescind_before_probe rescind_twice rescind_again_inside_closed
			rescind_paused rescind_and_disable rescind_without_closed
			rescind_without_routine rescind_inside_disable
			disable_inside_rescind unbind_then_rescind unbind_and_rescind
			unload_and_rescind ranges_and_rescind more_and_rescind
			batches_and_rescinds requests_in_routines_and_rescind
			four_senders_and_rescind) ;;
	2)	count=100000 what=soak kernel=debug ;;
	3)	count=1000 rounds=
		names=(completions_late completions_of_earlier_opening
			send_inside_closed enable_inside_closed reoffer_inside_closed
			other_offer_inside_closed rescind_again_inside_closed) ;;
	4)	count=200 kernel=debug names=(allocations_fail) ;;
	5)	count=10000 names=(stalls) ;;
	6)	count=10000000 what=garble ;;
	7)	count=1000000 what=garble kernel=debug ;;
	8)	count=1000000 names=(sync_races) ;;
	9)	count=100 rounds=
		names=(gpadls gpadls_at_disable gpadl_{create,delete}_and_rescind
			gpadl_deleted_in_closed gpadl_left_at_{rescind,unbind}
			rescind_while_making_rings) ;;
	10)	count=100000 names=(offers_come_and_go) ;;
	11)	count=5000 names=(removals) ;;
	12)	count=5000
		names=(cdev_across cdev_rescind cdev_killed cdev_removed cdev_unbound) ;;
	# Those of rows 2, 8 and 11
	13)	count=60 kernel=kcsan names=(soak sync_races removals) ;;
	14)	count=0 what=soak kernel=debug ;;
	*)	return 1 ;;
	esac
	count=${COUNT:-$count}
	script=wire words="count=$count"
	case $what:$1 in
	scenarios:13)
		words="seconds=$((count * 60 / ${#names[@]})) cycles=25 senders=4" ;;
	scenarios:5)
		words+=" rounds=1 alone=1" ;;
	scenarios:*)
		words+=" rounds=${rounds:-$count}" ;;
	garble:*)
		script=garble ;;
	soak:*)	words="cycles=$count minutes=${MINUTES:-0} senders=4" names=(soak) ;;
	esac
	words+="${names[*]:+ only=$(IFS=,; echo "${names[*]}")}"
}
