// SPDX-License-Identifier: GPL-2.0
/*
 * A client that names no device, whose device is its parent: on a transport that
 * is the test itself. Who may bind to it, and how it ends: by the driver that it
 * has, by a rescind, and with the transport.
 *
 * The transport's operations run in the caller, and on the library's workqueue;
 * the tests look at their counts when the channel has come to rest.
 */
#include <linux/device.h>
#include <linux/slab.h>

#include "harness.h"
#include "ring_fixture.h"

#define RING_BYTES	(16 * PAGE_SIZE)

/* No other is of that name where KUnit runs, and its name is what counts */
static const struct bus_type fake_bus = { .name = "vmbus" };

static struct {
	struct ring_fixture *out;
	struct ring_fixture *in;
	bool bus;
	struct device *parent;
	struct kmcl_channel *child;
	guid_t type;
	guid_t instance;
	struct kmcl_offer *offer;
	const struct kmcl_channel *owner;
	int adopt_result;
	int adopts;
	int disowns;
	int releases;
	int watches;
	bool watch_locks;		/* watching locks the device */
	struct completion watching;
	struct work_struct remove;
	wait_queue_head_t wait;
	int opened;
	int closed;
	int closed_at_disown;
} fake;

static struct kmcl_offer *fake_adopt(struct device *parent,
				     const struct kmcl_channel *owner);

static void fake_disown(struct kmcl_offer *offer)
{
	fake.disowns++;
	kmcl_offer_gone(offer);
	fake.closed_at_disown = fake.closed;
	fake.offer = NULL;
}

static int fake_watch(const guid_t *type)
{
	fake.watches++;
	complete(&fake.watching);
	if (fake.watch_locks) {
		device_lock(fake.parent);
		device_unlock(fake.parent);
	}
	return 0;
}

static void fake_unwatch(const guid_t *type)
{
	fake.watches--;
}

static int fake_open(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		     struct kmcl_ring *tx, struct kmcl_ring *rx)
{
	ring_at(fake.out, 0, 0);
	ring_at(fake.in, 0, 0);
	kmcl_ring_init(tx, fake.out->ctl, fake.out->data, fake.out->size);
	kmcl_ring_init(rx, fake.in->ctl, fake.in->data, fake.in->size);
	return 0;
}

static void fake_close(struct kmcl_offer *offer)
{
}

/* The bus removes the device, and the driver that it has frees the channel */
static void fake_remove(struct work_struct *work)
{
	device_lock(fake.parent);
	kmcl_channel_disable(fake.child);
	kmcl_channel_free(fake.child);
	fake.child = NULL;
	device_unlock(fake.parent);
}

static void fake_release(struct kmcl_offer *offer)
{
	fake.releases++;
	schedule_work(&fake.remove);
}

static void fake_signal(struct kmcl_offer *offer)
{
}

static const struct kmcl_transport_ops fake_ops = {
	.name = "test",
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.adopt = fake_adopt,
	.disown = fake_disown,
	.open = fake_open,
	.close = fake_close,
	.release = fake_release,
	.signal = fake_signal,
};

static struct kmcl_offer *fake_adopt(struct device *parent,
				     const struct kmcl_channel *owner)
{
	if (fake.adopt_result)
		return ERR_PTR(fake.adopt_result);
	fake.adopts++;
	fake.owner = owner;
	fake.offer = kmcl_offer_add(&fake_ops, &fake.type, &fake.instance,
				    owner, NULL);
	return parent == fake.parent ? fake.offer : ERR_PTR(-EINVAL);
}

static int child_opened(struct kmcl_channel *ch)
{
	fake.opened++;
	wake_up_all(&fake.wait);
	return 0;
}

static void child_closed(struct kmcl_channel *ch)
{
	fake.closed++;
	wake_up_all(&fake.wait);
}

static void child_wait(struct kunit *test, const char *state)
{
	wait_event_timeout(fake.child->wait,
			   !strcmp(kmcl_channel_state_name(fake.child), state),
			   LOOP_LIMIT);
	KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(fake.child), state);
}

static void child_up(struct kunit *test, int times)
{
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fake.child), 0);
	KUNIT_ASSERT_GT(test, wait_event_timeout(fake.wait, fake.opened == times,
						 LOOP_LIMIT), 0);
}

static void the_parent_is_the_device_without_a_target(struct kunit *test)
{
	struct loop *loop = test->priv;
	guid_t instance;

	/* Somebody waits for exactly this device, and does not get it */
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_state(&loop->client, "Enabled");
	child_up(test, 1);
	KUNIT_EXPECT_EQ(test, fake.adopts, 1);
	KUNIT_EXPECT_PTR_EQ(test, fake.owner, fake.child);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	kmcl_get_instance(fake.child, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &fake.instance));

	/* It stays the channel's while it is disabled */
	kmcl_channel_disable(fake.child);
	KUNIT_EXPECT_EQ(test, fake.closed, 1);
	KUNIT_EXPECT_EQ(test, fake.disowns, 0);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	child_up(test, 2);
	KUNIT_EXPECT_EQ(test, fake.adopts, 1);

	kmcl_channel_disable(fake.child);
	kmcl_channel_free(fake.child);
	fake.child = NULL;
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
}

static void expect_refused(struct kunit *test, int error)
{
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(fake.child), error);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(fake.child),
			   "Disabled");
}

static void a_parent_that_is_no_device_of_the_bus(struct kunit *test)
{
	static struct kmcl_transport_ops plain;
	struct device *root;
	struct kmcl_channel *ch;

	/* No VMBus here: STATUS_NO_SUCH_DEVICE */
	expect_refused(test, -ENXIO);
	KUNIT_EXPECT_EQ(test, kmcl_ntstatus(-ENXIO), (s32)0xc000000e);
	plain = fake_ops;
	plain.adopt = NULL;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&plain), 0);
	expect_refused(test, -ENXIO);
	kmcl_transport_unregister(&plain);

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	fake.adopt_result = -EBUSY;
	expect_refused(test, -EBUSY);
	fake.adopt_result = -ENODEV;
	expect_refused(test, -ENODEV);
	fake.adopt_result = -ENOMEM;
	expect_refused(test, -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake.disowns, 0);
	fake.adopt_result = 0;
	child_up(test, 1);

	/* Neither a parent nor a target; a server's parent is no offer */
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, false, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(fake.parent, true, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	/* A parent of another kind is none */
	root = root_device_register("kmcl_parent_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(root));
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(root, false, &ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
	kmcl_channel_free(ch);
	root_device_unregister(root);
	KUNIT_EXPECT_EQ(test, fake.adopts, 1);
}

/* The driver's remove(), which waits for the channel, comes out of release */
static void a_rescind_removes_the_parent(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	child_up(test, 1);
	kmcl_offer_rescind(fake.offer);
	KUNIT_ASSERT_GT(test, wait_event_timeout(fake.wait, fake.closed == 1,
						 LOOP_LIMIT), 0);
	flush_workqueue(kmcl_wq);
	flush_work(&fake.remove);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
	KUNIT_EXPECT_NULL(test, fake.child);
}

/* Rescinded while nobody has it open: given back all the same */
static void a_rescind_of_a_parent_that_is_not_open(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	child_up(test, 1);
	kmcl_channel_disable(fake.child);
	kmcl_offer_rescind(fake.offer);
	flush_workqueue(kmcl_wq);
	flush_work(&fake.remove);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
	KUNIT_EXPECT_NULL(test, fake.child);
}

static void the_transport_goes_first(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	child_up(test, 1);
	kmcl_transport_unregister(&fake_ops);
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
	KUNIT_EXPECT_EQ(test, fake.closed_at_disown, 1);
	child_wait(test, "Disabled");
	expect_refused(test, -ENXIO);

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	child_up(test, 2);
	KUNIT_EXPECT_EQ(test, fake.adopts, 2);
}

static void a_target_replaces_the_parent(struct kunit *test)
{
	guid_t type;

	guid_gen(&type);
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	child_up(test, 1);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(fake.child, &type, NULL, NULL),
			-EBUSY);
	kmcl_channel_disable(fake.child);
	KUNIT_ASSERT_EQ(test, kmcl_set_target(fake.child, &type, NULL, NULL),
			0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fake.child), 0);
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	child_wait(test, "Enabled");
	KUNIT_EXPECT_EQ(test, fake.opened, 1);
}

static void watch_class(void *data)
{
	struct loop *loop = data;

	kmcl_channel_enable(loop->client.ch);
}

static void probe_parent(void *data)
{
	device_lock(fake.parent);
	wait_for_completion_timeout(&fake.watching, LOOP_LIMIT);
	kmcl_channel_enable(fake.child);
	kmcl_channel_disable(fake.child);
	kmcl_channel_free(fake.child);
	fake.child = NULL;
	device_unlock(fake.parent);
}

/* A bus calls probe() and remove() with the device locked, and watching locks it */
static void adopting_never_waits_for_watching(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *watch, *probe;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	fake.watch_locks = true;
	probe = loop_job(loop, probe_parent, NULL);
	watch = loop_job(loop, watch_class, loop);
	loop_job_wait(probe);
	loop_job_wait(watch);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_EQ(test, fake.adopts, 1);
	KUNIT_EXPECT_EQ(test, fake.disowns, 1);
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
	if (test->priv)
		loop_exit(test);
	if (fake.child) {
		kmcl_channel_disable(fake.child);
		kmcl_channel_free(fake.child);
	}
	kmcl_transport_unregister(&fake_ops);
	if (!IS_ERR_OR_NULL(fake.parent))
		device_unregister(fake.parent);
	if (fake.bus)
		bus_unregister(&fake_bus);
	KUNIT_EXPECT_EQ(test, fake.adopts, fake.disowns);
	KUNIT_EXPECT_EQ(test, fake.opened, fake.closed);
}

static int parent_init(struct kunit *test)
{
	static const struct kmcl_channel_ops ops = {
		.opened = child_opened,
		.closed = child_closed,
	};
	struct loop *loop;
	int ret;

	memset(&fake, 0, sizeof(fake));
	init_completion(&fake.watching);
	init_waitqueue_head(&fake.wait);
	INIT_WORK(&fake.remove, fake_remove);
	fake.out = ring_fixture_new(test, RING_BYTES);
	fake.in = ring_fixture_new(test, RING_BYTES);
	ret = loop_init(test);
	if (ret)
		return ret;
	loop = test->priv;
	fake.type = loop->type;
	fake.instance = loop->instance;
	ret = bus_register(&fake_bus);
	if (ret)
		return ret;
	fake.bus = true;
	fake.parent = parent_register();
	KUNIT_ASSERT_FALSE(test, IS_ERR(fake.parent));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(fake.parent, false,
						    &fake.child));
	return kmcl_set_ops(fake.child, &ops);
}

static struct kunit_case parent_cases[] = {
	/* KMCL: VmbChannelAllocate */
	KUNIT_CASE(the_parent_is_the_device_without_a_target),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(a_parent_that_is_no_device_of_the_bus),
	KUNIT_CASE(a_rescind_removes_the_parent),
	KUNIT_CASE(a_rescind_of_a_parent_that_is_not_open),
	KUNIT_CASE(the_transport_goes_first),
	/* KMCL: VmbClientChannelInitSetTargetPnp */
	KUNIT_CASE(a_target_replaces_the_parent),
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
