// SPDX-License-Identifier: GPL-2.0
/*
 * A client that names no device, whose device is its parent: on a transport that
 * is the test itself. Who may bind to it, and how it ends: by the driver that it
 * has, by a rescind, and with the transport.
 *
 * The transport's operations run in the caller, and on the library's workqueue;
 * the tests look at their counts when nothing runs any more.
 */
#include <linux/device.h>
#include <linux/slab.h>

#include "fake_transport.h"

/* The library looks at the name, and no other bus has it where KUnit runs */
static const struct bus_type fake_bus = { .name = "vmbus" };

static struct {
	struct loop *loop;
	bool bus;
	struct device *parent;
	struct kmcl_channel *child;
	const struct kmcl_channel *owner;
	int adopt_result;
	int adopts;
	int disowns;
	bool watch_locks;		/* watching locks the device */
	struct completion watching;
	struct work_struct remove;
	wait_queue_head_t wait;
	int opened;
	int closed;
	int closed_at_disown;
	int failure;
} own;

/* fake_ops, and what a transport that adopts does besides */
static struct kmcl_transport_ops own_ops;

static struct kmcl_offer *own_adopt(struct device *parent,
				    const struct kmcl_channel *owner)
{
	if (own.adopt_result)
		return ERR_PTR(own.adopt_result);
	own.adopts++;
	own.owner = owner;
	fake.offer = kmcl_offer_add(&own_ops, &own.loop->type,
				    &own.loop->instance, owner, NULL);
	return parent == own.parent ? fake.offer : ERR_PTR(-EINVAL);
}

static void own_disown(struct kmcl_offer *offer)
{
	own.disowns++;
	kmcl_offer_gone(offer);
	own.closed_at_disown = own.closed;
	fake.offer = NULL;
}

static int own_watch(const guid_t *type, bool look)
{
	complete(&own.watching);
	if (own.watch_locks) {
		device_lock(own.parent);
		device_unlock(own.parent);
	}
	return fake_ops.watch(type, look);
}

/* The bus removes the device, and the driver that it has frees the channel */
static void own_remove(struct work_struct *work)
{
	device_lock(own.parent);
	kmcl_channel_disable(own.child);
	kmcl_channel_free(own.child);
	own.child = NULL;
	device_unlock(own.parent);
}

static void own_release(struct kmcl_offer *offer)
{
	fake.releases++;
	schedule_work(&own.remove);
}

static int child_opened(struct kmcl_channel *ch)
{
	own.opened++;
	wake_up_all(&own.wait);
	return 0;
}

static void child_closed(struct kmcl_channel *ch)
{
	own.closed++;
	wake_up_all(&own.wait);
}

static void child_wait(struct kunit *test, const char *state)
{
	wait_event_timeout(own.child->wait,
			   !strcmp(kmcl_channel_state_name(own.child), state),
			   LOOP_LIMIT);
	KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(own.child), state);
}

static void child_up(struct kunit *test, int times)
{
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(own.child), 0);
	KUNIT_ASSERT_GT(test, wait_event_timeout(own.wait, own.opened == times,
						 LOOP_LIMIT), 0);
}

static void the_parent_is_the_device_without_a_target(struct kunit *test)
{
	struct loop *loop = test->priv;
	guid_t instance;

	/* Somebody waits for exactly this device, and does not get it */
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_state(&loop->client, "Enabled");
	child_up(test, 1);
	KUNIT_EXPECT_EQ(test, own.adopts, 1);
	KUNIT_EXPECT_PTR_EQ(test, own.owner, own.child);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	kmcl_get_instance(own.child, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &loop->instance));

	/* It stays the channel's while it is disabled */
	kmcl_channel_disable(own.child);
	KUNIT_EXPECT_EQ(test, own.closed, 1);
	KUNIT_EXPECT_EQ(test, own.disowns, 0);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	child_up(test, 2);
	KUNIT_EXPECT_EQ(test, own.adopts, 1);

	kmcl_channel_disable(own.child);
	kmcl_channel_free(own.child);
	own.child = NULL;
	KUNIT_EXPECT_EQ(test, own.disowns, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
}

static void expect_refused(struct kunit *test, int error)
{
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(own.child), error);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(own.child),
			   "Disabled");
}

static void a_parent_that_is_no_device_of_the_bus(struct kunit *test)
{
	static struct kmcl_transport_ops plain;
	struct device *root;
	struct kmcl_channel *ch;

	/* No VMBus here */
	expect_refused(test, -ENXIO);
	plain = own_ops;
	plain.adopt = NULL;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&plain), 0);
	expect_refused(test, -ENXIO);
	kmcl_transport_unregister(&plain);

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	own.adopt_result = -EBUSY;
	expect_refused(test, -EBUSY);
	own.adopt_result = -ENODEV;
	expect_refused(test, -ENODEV);
	own.adopt_result = -ENOMEM;
	expect_refused(test, -ENOMEM);
	KUNIT_EXPECT_EQ(test, own.disowns, 0);
	own.adopt_result = 0;
	child_up(test, 1);

	/* Neither a parent nor a target; a server's parent is no offer */
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, false, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(own.parent, true, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	/* A parent of another kind is none */
	root = root_device_register("kmcl_parent_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(root));
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(root, false, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	root_device_unregister(root);
	KUNIT_EXPECT_EQ(test, own.adopts, 1);
}

static void rescind(struct kunit *test)
{
	kmcl_offer_rescind(fake.offer);
	KUNIT_ASSERT_GT(test, wait_event_timeout(own.wait, own.closed == 1,
						 LOOP_LIMIT), 0);
	flush_workqueue(kmcl_wq);
	flush_work(&own.remove);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_EQ(test, own.disowns, 1);
	KUNIT_EXPECT_NULL(test, own.child);
}

/* The driver's remove(), which waits for the channel, comes out of release */
static void a_rescind_removes_the_parent(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	child_up(test, 1);
	rescind(test);
}

/* Rescinded while nobody has it open: released as well */
static void a_rescind_of_a_parent_that_is_not_open(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	child_up(test, 1);
	kmcl_channel_disable(own.child);
	rescind(test);
}

/* The driver's suspend and resume operations */
static void the_machine_hibernates(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kmcl_channel_suspend(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_resume(NULL), -EINVAL);
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	/* It has no device yet */
	KUNIT_EXPECT_EQ(test, kmcl_channel_suspend(own.child), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_resume(own.child), 0);
	child_up(test, 1);
	KUNIT_EXPECT_EQ(test, kmcl_channel_suspend(own.child), 0);
	KUNIT_EXPECT_EQ(test, own.closed, 1);
	KUNIT_EXPECT_EQ(test, kmcl_get_close_cause(own.child),
			KMCL_CLOSE_HIBERNATE);
	child_wait(test, "Enabled");
	KUNIT_EXPECT_EQ(test, kmcl_channel_resume(own.child), 0);
	KUNIT_ASSERT_GT(test, wait_event_timeout(own.wait, own.opened == 2,
						 LOOP_LIMIT), 0);
	kmcl_channel_disable(own.child);
}

static void the_transport_goes_first(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	child_up(test, 1);
	kmcl_transport_unregister(&own_ops);
	KUNIT_EXPECT_EQ(test, own.disowns, 1);
	KUNIT_EXPECT_EQ(test, own.closed_at_disown, 1);
	child_wait(test, "Disabled");
	expect_refused(test, -ENXIO);

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	child_up(test, 2);
	KUNIT_EXPECT_EQ(test, own.adopts, 2);
}

static void a_target_replaces_the_parent(struct kunit *test)
{
	guid_t type;

	guid_gen(&type);
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	child_up(test, 1);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(own.child, &type, NULL, NULL),
			-EBUSY);
	kmcl_channel_disable(own.child);
	KUNIT_ASSERT_EQ(test, kmcl_set_target(own.child, &type, NULL, NULL),
			0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(own.child), 0);
	KUNIT_EXPECT_EQ(test, own.disowns, 1);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	child_wait(test, "Enabled");
	KUNIT_EXPECT_EQ(test, own.opened, 1);
}

static void child_failed(struct kmcl_channel *ch, int status)
{
	own.failure = status;
	wake_up_all(&own.wait);
}

/* No class: the device is the one that the driver has */
static const struct kmcl_client child_client = {
	.name = "child",
	.opened = child_opened,
	.closed = child_closed,
	.failure = child_failed,
};

static int parent_probe(struct device *dev)
{
	struct kmcl_channel *ch = devm_kmcl_client_create(dev, &child_client,
							  NULL);

	return IS_ERR(ch) ? PTR_ERR(ch) : kmcl_channel_enable(ch);
}

static struct device_driver parent_driver = {
	.name = "kmcl-parent",
	.bus = &fake_bus,
	.probe = parent_probe,
};

static void a_driver_leaves_its_channel_to_the_device(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	KUNIT_ASSERT_EQ(test, driver_register(&parent_driver), 0);
	wait_event_timeout(own.wait, own.opened == 1, LOOP_LIMIT);
	KUNIT_EXPECT_EQ(test, own.opened, 1);
	KUNIT_EXPECT_EQ(test, own.adopts, 1);
	driver_unregister(&parent_driver);
	KUNIT_EXPECT_EQ(test, own.closed, 1);
	KUNIT_EXPECT_EQ(test, own.disowns, 1);

	fake.open_result = -EIO;
	KUNIT_ASSERT_EQ(test, driver_register(&parent_driver), 0);
	wait_event_timeout(own.wait, own.failure, LOOP_LIMIT);
	KUNIT_EXPECT_EQ(test, own.failure, -EIO);
	driver_unregister(&parent_driver);
	KUNIT_EXPECT_EQ(test, own.disowns, 2);
}

static void a_parent_is_its_own_instance(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_client client = child_client;
	struct kmcl_channel *ch;

	client.instance = &loop->instance;
	ch = kmcl_client_create(own.parent, &client, NULL);
	KUNIT_EXPECT_PTR_EQ(test, ch, ERR_PTR(-EINVAL));
	client.type = loop->type;
	ch = kmcl_client_create(own.parent, &client, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
}

static void watch_class(void *data)
{
	struct loop *loop = data;

	kmcl_channel_enable(loop->client.ch);
}

static void probe_parent(void *data)
{
	device_lock(own.parent);
	wait_for_completion_timeout(&own.watching, LOOP_LIMIT);
	kmcl_channel_enable(own.child);
	kmcl_channel_disable(own.child);
	kmcl_channel_free(own.child);
	own.child = NULL;
	device_unlock(own.parent);
}

/* A bus calls probe() and remove() with the device locked, and watching locks it */
static void adopting_never_waits_for_watching(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *watch, *probe;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&own_ops), 0);
	own.watch_locks = true;
	probe = loop_job(loop, probe_parent, NULL);
	watch = loop_job(loop, watch_class, loop);
	loop_job_wait(probe);
	loop_job_wait(watch);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_EQ(test, own.adopts, 1);
	KUNIT_EXPECT_EQ(test, own.disowns, 1);
}

static void parent_release(struct device *dev)
{
	kfree(dev);
}

static struct device *parent_register(void)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->bus = &fake_bus;
	dev->release = parent_release;
	dev_set_name(dev, "kmcl-parent");
	if (device_register(dev)) {
		put_device(dev);
		return ERR_PTR(-EBUSY);
	}
	return dev;
}

static void parent_exit(struct kunit *test)
{
	if (own.child) {
		kmcl_channel_disable(own.child);
		kmcl_channel_free(own.child);
	}
	kmcl_transport_unregister(&own_ops);
	fake_exit(test);
	if (!IS_ERR_OR_NULL(own.parent))
		device_unregister(own.parent);
	if (own.bus)
		bus_unregister(&fake_bus);
	KUNIT_EXPECT_EQ(test, own.adopts, own.disowns);
	KUNIT_EXPECT_EQ(test, own.opened, own.closed);
}

static int parent_init(struct kunit *test)
{
	static const struct kmcl_channel_ops ops = {
		.opened = child_opened,
		.closed = child_closed,
	};
	int ret;

	memset(&own, 0, sizeof(own));
	init_completion(&own.watching);
	init_waitqueue_head(&own.wait);
	INIT_WORK(&own.remove, own_remove);
	own_ops = fake_ops;
	own_ops.watch = own_watch;
	own_ops.adopt = own_adopt;
	own_ops.disown = own_disown;
	own_ops.release = own_release;
	ret = fake_init(test);
	if (ret)
		return ret;
	own.loop = test->priv;
	ret = bus_register(&fake_bus);
	if (ret)
		return ret;
	own.bus = true;
	own.parent = parent_register();
	KUNIT_ASSERT_FALSE(test, IS_ERR(own.parent));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(own.parent, false,
						    &own.child));
	return kmcl_set_ops(own.child, &ops);
}

static struct kunit_case parent_cases[] = {
	/* KMCL: VmbChannelAllocate */
	KUNIT_CASE(the_parent_is_the_device_without_a_target),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(a_parent_that_is_no_device_of_the_bus),
	KUNIT_CASE(a_rescind_removes_the_parent),
	KUNIT_CASE(a_rescind_of_a_parent_that_is_not_open),
	KUNIT_CASE(the_machine_hibernates),
	KUNIT_CASE(the_transport_goes_first),
	/* KMCL: VmbClientChannelInitSetTargetPnp */
	KUNIT_CASE(a_target_replaces_the_parent),
	KUNIT_CASE(a_driver_leaves_its_channel_to_the_device),
	KUNIT_CASE(a_parent_is_its_own_instance),
	KUNIT_CASE(adopting_never_waits_for_watching),
	{}
};

static struct kunit_suite parent_suite = {
	.name = "kmcl_parent",
	.init = parent_init,
	.exit = parent_exit,
	.test_cases = parent_cases,
};

kunit_test_suite(parent_suite);
