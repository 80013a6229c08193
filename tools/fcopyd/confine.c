// SPDX-License-Identifier: GPL-2.0
/*
 * What the daemon may do, once it has its device and its directory: nothing but
 * creating files and directories below the latter, as the user that was configured.
 */
#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "fcopyd.h"

/* All rights of Landlock's first version */
#define RIGHTS		((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* Those of the second and third one, which older headers do not have */
#define RIGHT_REFER	(1ull << 13)
#define RIGHT_TRUNCATE	(1ull << 14)

/* Return: 0; -1 with a message */
static int become(const char *name)
{
	struct passwd *user;
	char *end;
	uid_t uid = strtoul(name, &end, 10);
	gid_t gid = uid;

	if (!*name || *end) {
		user = getpwnam(name);
		if (!user) {
			log_line(LOG_ERR, "there is no user %s", name);
			return -1;
		}
		uid = user->pw_uid;
		gid = user->pw_gid;
	}
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid)) {
		log_line(LOG_ERR, "cannot become user %s: %m", name);
		return -1;
	}
	return 0;
}

/* Without Landlock, as in a kernel that was built so, the user's rights remain. */
static int landlock(const struct store *store)
{
	struct landlock_ruleset_attr ruleset = { .handled_access_fs = RIGHTS };
	struct landlock_path_beneath_attr beneath = {
		.parent_fd = store->fd,
		.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE |
				  LANDLOCK_ACCESS_FS_READ_DIR |
				  LANDLOCK_ACCESS_FS_REMOVE_FILE |
				  LANDLOCK_ACCESS_FS_MAKE_REG |
				  LANDLOCK_ACCESS_FS_MAKE_DIR,
	};
	int version, fd, result;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 1) {
		log_line(LOG_NOTICE, "no Landlock: %m");
		return 0;
	}
	if (version >= 2)
		ruleset.handled_access_fs |= RIGHT_REFER;
	if (version >= 3)
		ruleset.handled_access_fs |= RIGHT_TRUNCATE;
	fd = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (fd < 0)
		return -1;
	result = syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
			 &beneath, 0);
	if (!result)
		result = syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return result;
}

/**
 * confine() - give up all rights that are not needed
 * @user:	name or number; NULL: stay who it is
 * Return: 0; -1 after a message
 */
int confine(const struct store *store, const char *user)
{
	if (user && become(user))
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || landlock(store)) {
		log_line(LOG_ERR, "cannot give up rights: %m");
		return -1;
	}
	return 0;
}
