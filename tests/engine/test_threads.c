#include "config.h"

#include "engine/threads.h"
#include "tests/engine/fake_root.h"

static const unsigned all[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void
siblings(unsigned cpu, const char *list)
{
	put(list, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
}

static void
threads__count__all_when_nothing_is_known(void **state)
{
	assert_int_equal(threads_count(root, all, 6), 6);
	assert_int_equal(threads_count(root, all, 0), 1);
}

static void
threads__count__one_a_core(void **state)
{
	/* Two ways to number the two threads of a core. */
	siblings(0, "0,4");
	siblings(4, "0,4");
	siblings(1, "1,5");
	siblings(5, "1,5");
	siblings(2, "2-3");
	siblings(3, "2-3");
	assert_int_equal(threads_count(root, all, 6), 3);
	/* Only the second thread of a core is ours: it counts. */
	assert_int_equal(threads_count(root, all + 3, 3), 3);
}

static void
threads__count__performance_cores_only(void **state)
{
	/* Four with two threads each, eight efficient ones with one. */
	for (unsigned i = 0; i < 8; i++) {
		char pair[16];

		snprintf(pair, sizeof pair, "%u-%u", i / 2 * 2, i / 2 * 2 + 1);
		siblings(i, pair);
	}
	put("0-7", "/sys/devices/cpu_core/cpus");
	assert_int_equal(threads_count(root, all, 16), 4);
	/* Bound to efficient cores alone: then these. */
	assert_int_equal(threads_count(root, all + 8, 8), 8);
}

static void
threads__count__by_capacity(void **state)
{
	static const char *const capacity[8] = { "250", "250", "250", "250", "870", "870", "870",
		"1024" };

	for (unsigned i = 0; i < 8; i++)
		put(capacity[i], "/sys/devices/system/cpu/cpu%u/cpu_capacity", i);
	assert_int_equal(threads_count(root, all, 8), 4);
	assert_int_equal(threads_count(root, all, 4), 4);
}

static void
threads__count__within_the_quota(void **state)
{
	put("0::/user/app", "/proc/self/cgroup");
	put("max 100000", "/sys/fs/cgroup/user/app/cpu.max");
	assert_int_equal(threads_count(root, all, 8), 8);
	put("350000 100000", "/sys/fs/cgroup/user/cpu.max");
	assert_int_equal(threads_count(root, all, 8), 3);
	put("50000 100000", "/sys/fs/cgroup/user/app/cpu.max");
	assert_int_equal(threads_count(root, all, 8), 1);
}

static void
threads__count__within_the_quota_of_version_1(void **state)
{
	put("4:cpu,cpuacct:/box", "/proc/self/cgroup");
	put("-1", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	put("100000", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
	assert_int_equal(threads_count(root, all, 8), 8);
	put("200000", "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
	put("100000", "/sys/fs/cgroup/cpu/box/cpu.cfs_period_us");
	assert_int_equal(threads_count(root, all, 8), 2);
}

static void
threads__count__nonsense_in_files(void **state)
{
	put("x,,", "/sys/devices/cpu_core/cpus");
	put("", "/proc/self/cgroup");
	put("0 0", "/sys/fs/cgroup/cpu.max");
	siblings(0, "-");
	siblings(1, "5-2");
	assert_int_equal(threads_count(root, all, 4), 4);
}

static void
threads__default__at_least_one(void **state)
{
	assert_in_range(threads_default(), 1, 4096);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads__count__all_when_nothing_is_known, setup,
			teardown),
		cmocka_unit_test_setup_teardown(threads__count__one_a_core, setup, teardown),
		cmocka_unit_test_setup_teardown(threads__count__performance_cores_only, setup,
			teardown),
		cmocka_unit_test_setup_teardown(threads__count__by_capacity, setup, teardown),
		cmocka_unit_test_setup_teardown(threads__count__within_the_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(threads__count__within_the_quota_of_version_1,
			setup, teardown),
		cmocka_unit_test_setup_teardown(threads__count__nonsense_in_files, setup, teardown),
		cmocka_unit_test(threads__default__at_least_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
