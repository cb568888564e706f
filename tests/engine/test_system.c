#include "config.h"

#include "engine/system.h"
#include "tests/engine/fake_root.h"

static const uint64_t mega = 1 << 20;

static void
machine(void)
{
	put("MemTotal:        8388608 kB\nMemFree:          100000 kB\nMemAvailable:    4194304 kB", "/proc/meminfo");
}

static void
has(uint64_t total, uint64_t available)
{
	assert_int_equal(system_memory_total(root) / mega, total);
	assert_int_equal(system_memory_available(root) / mega, available);
}

static void
system__memory__of_the_machine(void **state)
{
	machine();
	has(8192, 4096);
	put("max", "/sys/fs/cgroup/memory.max");
	put("1000", "/sys/fs/cgroup/memory.current");
	has(8192, 4096);
	put("109951162777600", "/sys/fs/cgroup/memory.max");	/* more than there is */
	has(8192, 4096);
}

static void
system__memory__unknown(void **state)
{
	assert_true(system_memory_total(root) > 0);		/* told by another way */
	assert_int_equal(system_memory_available(root), 0);
}

/* In a container of its own name space the group is the root. */
static void
system__memory__of_the_root_group(void **state)
{
	machine();
	put("0::/", "/proc/self/cgroup");
	put("1073741824", "/sys/fs/cgroup/memory.max");
	put("268435456", "/sys/fs/cgroup/memory.current");
	has(1024, 768);
}

static void
system__memory__least_of_the_groups_above(void **state)
{
	machine();
	put("0::/user.slice/run.scope", "/proc/self/cgroup");
	put("max", "/sys/fs/cgroup/user.slice/run.scope/memory.max");
	put("2147483648", "/sys/fs/cgroup/user.slice/memory.max");
	put("1073741824", "/sys/fs/cgroup/user.slice/memory.current");
	has(2048, 1024);
	put("536870912", "/sys/fs/cgroup/user.slice/run.scope/memory.max");
	put("104857600", "/sys/fs/cgroup/user.slice/run.scope/memory.current");
	has(512, 412);
	put("3145728", "/sys/fs/cgroup/other/memory.max");
	has(512, 412);
}

/* A file that was read through, such as a model's, does not count as used. */
static void
system__memory__file_pages_are_given_up(void **state)
{
	machine();
	put("0::/box", "/proc/self/cgroup");
	put("1073741824", "/sys/fs/cgroup/box/memory.max");
	put("1073741824", "/sys/fs/cgroup/box/memory.current");
	assert_int_equal(system_memory_available(root), 1);	/* 0 is kept for what is not known */
	put("anon 268435456\nfile 805306368\ninactive_file_x 5\ninactive_file 536870912\nactive_file 268435456",
		"/sys/fs/cgroup/box/memory.stat");
	has(1024, 512);
	put("inactive_file 2147483648", "/sys/fs/cgroup/box/memory.stat");
	has(1024, 1024);
}

static void
system__memory__of_version_1(void **state)
{
	machine();
	put("5:cpu,cpuacct:/fast\n4:memory:/docker/box\n0::/", "/proc/self/cgroup");
	put("9223372036854771712", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
	put("1048576", "/sys/fs/cgroup/memory/fast/memory.limit_in_bytes");	/* another controller's group */
	has(8192, 4096);
	put("1073741824", "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes");
	put("1073741824", "/sys/fs/cgroup/memory/docker/memory.usage_in_bytes");
	put("inactive_file 1\ntotal_inactive_file 268435456", "/sys/fs/cgroup/memory/docker/memory.stat");
	has(1024, 256);
}

static void
system__memory__nonsense_in_files(void **state)
{
	machine();
	put("\n:\n::\n0::\n7:memory\n7:,memory,:x//\n0:://..//", "/proc/self/cgroup");
	put("lots", "/sys/fs/cgroup/memory.max");
	put("", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
	has(8192, 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(system__memory__of_the_machine),
		TEST(system__memory__unknown),
		TEST(system__memory__of_the_root_group),
		TEST(system__memory__least_of_the_groups_above),
		TEST(system__memory__file_pages_are_given_up),
		TEST(system__memory__of_version_1),
		TEST(system__memory__nonsense_in_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
