/* test_inside.c - the poster, with libcurl, reaches nothing inside: not by spelling, name, redirect, proxy or reuse */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "callback.h"
#include "clock.h"
#include "inside_net.h"
#include "inside_table.h"
#include "loop.h"
#include "poster.h"
#include "verdict.h"

#define TIMEOUT (2 * CLOCK_SEC)

/* ---- instead of the C library's, for libcurl too ---- */

static time_t passed; /* seconds; libcurl 7.88 asks time() how old a look-up is, and forgets it after 60 */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	return inside_net_getaddrinfo(node, service, hints, out);
}

void freeaddrinfo(struct addrinfo *list)
{
	inside_net_freeaddrinfo(list);
}

int connect(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return inside_net_connect(fd, sa.__sockaddr__, len);
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += passed;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* ---- the poster ---- */

static struct loop *loop;
static struct callback_rules *rules;
static struct poster *poster;
static struct post_answer got;
static int got_count;

static void on_answer(void *arg, const struct post_answer *a)
{
	(void)arg;
	got = *a;
	got_count++;
}

/* Past the door: whatever it would have said. */
static void post_to(const char *uri)
{
	const struct post post = { .uri = uri, .headers = { "webhook-id: 1" }, .body = "[]", .len = 2 };
	int64_t until = clock_mono() + 10 * CLOCK_SEC;

	got_count = 0;
	assert_int_equal(poster_send(poster, &post, on_answer, NULL), 0);
	while (!got_count && clock_mono() < until)
		loop_turn(loop, until);
	assert_int_equal(got_count, 1);
}

static void open_poster(const char *allow)
{
	char why[200] = "";

	if (callback_rules_open(&rules, allow, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	assert_int_equal(poster_open(&poster, loop, rules, 4, TIMEOUT), 0);
}

static void close_poster(void)
{
	poster_close(poster);
	callback_rules_close(rules);
}

static void set_proxies(const char *proxy)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
		                             "ALL_PROXY",  "HTTP_PROXY",  "socks_proxy", "ftp_proxy" };

	unsetenv("no_proxy"); /* it would spare the proxies, and hide that they are used */
	unsetenv("NO_PROXY");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (proxy)
			setenv(names[i], proxy, 1);
		else
			unsetenv(names[i]);
	}
}

static int set_up(void **state)
{
	(void)state;
	passed = 0;
	set_proxies(NULL); /* also those of whoever runs the test */
	assert_int_equal(loop_open(&loop), 0);
	inside_net_open(loop);
	open_poster("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	set_proxies(NULL);
	close_poster();
	inside_net_close();
	loop_close(loop);
	return 0;
}

/* Nobody at that place was connected to. */
static void assert_nobody_at(enum place place, const char *uri)
{
	struct inside_net_seen s = inside_net_seen(place);

	if (s.connects || s.accepts || s.requests)
		fail_msg("%s: %d connects, %d accepted, %d requests, the last to %s", uri, s.connects,
		         s.accepts, s.requests, inside_net_last());
}

static void assert_requests(enum place place, int n)
{
	assert_int_equal(inside_net_seen(place).requests, n);
}

static void assert_refused(const struct inside_row *row)
{
	inside_net_answers(row->answers);
	post_to(row->uri);
	if (got.status || got.refused == row->unread)
		fail_msg("%s: status %d, refused %d (%s)", row->uri, got.status, got.refused, got.error);
	/* refused is for good; what can't be read never gets past the door */
	if (got.refused)
		assert_int_equal(verdict_of(got.status, got.refused), VERDICT_GIVE_UP);
	for (enum place place = 0; place < PLACES; place++)
		assert_nobody_at(place, row->uri);
}

/* ---- spellings and names ---- */

static void test_every_spelling_is_refused_at_the_connect(void **state)
{
	(void)state;
	assert_true(inside_table_count >= 60);
	for (size_t i = 0; i < inside_table_count; i++)
		assert_refused(&inside_table[i]);
	/* and the poster is none the worse for it */
	post_to("http://" NET_APP "/");
	assert_int_equal(got.status, 200);
}

static void test_the_net_counts(void **state)
{
	(void)state;
	close_poster();
	open_poster("0.0.0.0/0,::/0");
	inside_net_answers("10.0.0.1");
	post_to("http://inside.example/");
	assert_int_equal(got.status, 200);
	post_to("http://[fe80::1]/");
	assert_int_equal(got.status, 200);
	assert_int_equal(inside_net_seen(PLACE_INSIDE).connects, 2);
	assert_int_equal(inside_net_seen(PLACE_INSIDE).accepts, 2);
	assert_int_equal(inside_net_lookups(), 1);
}

/* The door looks nothing up, so a name passes it; what it resolves to is seen when it is connected to. */
static void test_the_door_asks_no_resolver(void **state)
{
	(void)state;
	inside_net_answers("127.0.0.1");
	assert_null(callback_refused(rules, "http://inside.example/", NULL, 0));
	assert_int_equal(inside_net_lookups(), 0);
	post_to("http://inside.example/");
	assert_true(got.refused);
	assert_int_equal(inside_net_lookups(), 1);
	assert_nobody_at(PLACE_INSIDE, "inside.example");
}

/* Outside when it is first looked up, inside when libcurl has forgotten that and connects anew. */
static void test_a_name_that_moves_inside(void **state)
{
	(void)state;
	inside_net_say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close");
	inside_net_answers(NET_APP);
	post_to("http://moving.example/");
	assert_int_equal(got.status, 200);
	inside_net_answers("127.0.0.1");
	passed += 3600;
	post_to("http://moving.example/");
	assert_int_equal(inside_net_lookups(), 2);
	assert_true(got.refused);
	assert_requests(PLACE_APP, 1);
	assert_nobody_at(PLACE_INSIDE, "moving.example");
}

/* Each address of an answer is asked about, not the first only. */
static void test_answers_that_are_partly_inside(void **state)
{
	static const char *const dead[] = { NET_DEAD " 127.0.0.1", NET_DEAD " ::1 10.0.0.1",
		                            "::1 " NET_DEAD };
	static const char *const live[] = { "127.0.0.1 " NET_APP, "::1 " NET_APP, "127.0.0.1 " NET_APP6 };
	char uri[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(uri, sizeof(uri), "http://dead%zu.example/", i);
		inside_net_answers(dead[i]);
		post_to(uri);
		assert_int_equal(got.status, 0);
		assert_false(got.refused); /* the outside one may be back */
		snprintf(uri, sizeof(uri), "http://live%zu.example/", i);
		inside_net_answers(live[i]);
		post_to(uri);
		assert_int_equal(got.status, 200);
		assert_requests(PLACE_APP, (int)i + 1);
	}
	assert_nobody_at(PLACE_INSIDE, "partly inside");
}

/* A connection that is kept serves its own name only. */
static void test_a_kept_connection_serves_no_other_name(void **state)
{
	(void)state;
	inside_net_answers(NET_APP);
	post_to("http://app.example/");
	inside_net_answers("127.0.0.1");
	post_to("http://inside.example/");
	assert_true(got.refused);
	assert_requests(PLACE_APP, 1);
	/* its own name goes over it, wherever that name leads by now */
	passed += 3600;
	post_to("http://app.example/");
	assert_int_equal(got.status, 200);
	assert_requests(PLACE_APP, 2);
	assert_int_equal(inside_net_seen(PLACE_APP).accepts, 1);
	/* another port is another connection */
	post_to("http://app.example:8080/");
	assert_true(got.refused);
	assert_nobody_at(PLACE_INSIDE, "app.example");
}

/* The same when what is inside is allowed and connected to already. */
static void test_an_allowed_connection_serves_no_other_name(void **state)
{
	(void)state;
	close_poster();
	open_poster("10.1.0.0/16");
	inside_net_answers("10.1.0.1");
	post_to("http://allowed.example/");
	assert_int_equal(got.status, 200);
	inside_net_answers("10.2.0.1");
	post_to("http://inside.example/");
	assert_true(got.refused);
	assert_requests(PLACE_INSIDE, 1);
	assert_int_equal(inside_net_seen(PLACE_INSIDE).connects, 1);
	assert_string_equal(inside_net_last(), "10.1.0.1");
}

/* ---- redirects, proxies, other ways ---- */

static void redirect_to(int status, const char *field, const char *uri)
{
	char head[3000];

	snprintf(head, sizeof(head), "HTTP/1.1 %d Elsewhere\r\n%s: %s\r\nContent-Length: 0", status, field,
	         uri);
	inside_net_say(head);
	inside_net_forget();
	post_to("http://" NET_APP "/");
	if (got.status != status)
		fail_msg("%d to %s: status %d (%s)", status, uri, got.status, got.error ? got.error : "");
	assert_requests(PLACE_APP, 1);
	assert_int_equal(inside_net_lookups(), 0);
	assert_nobody_at(PLACE_INSIDE, uri);
	assert_nobody_at(PLACE_PROXY, uri);
}

static void test_redirects_are_not_followed(void **state)
{
	static const int codes[] = { 300, 301, 302, 303, 305, 307, 308 };

	(void)state;
	for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
		for (size_t i = 0; i < inside_table_count; i++) {
			inside_net_answers(inside_table[i].answers);
			redirect_to(codes[c], "Location", inside_table[i].uri);
			assert_int_equal(verdict_of(got.status, got.refused), VERDICT_GIVE_UP);
		}
		/* nor where they could be: the next one leads inside */
		redirect_to(codes[c], "Location", "http://" NET_PROXY "/");
		redirect_to(codes[c], "Location", "/again");
	}
}

static void test_other_fields_lead_nowhere(void **state)
{
	static const char *const fields[][2] = {
		{ "Alt-Svc", "http/1.1=\"127.0.0.1:80\"; ma=86400; persist=1" },
		{ "Alt-Svc", "h2=\"" NET_PROXY ":443\"; ma=86400, h3=\":443\"" },
		{ "Refresh", "0; url=http://127.0.0.1/" },
		{ "Content-Location", "http://127.0.0.1/" },
		{ "Strict-Transport-Security", "max-age=86400; includeSubDomains" },
		{ "Upgrade", "h2c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		redirect_to(200, fields[i][0], fields[i][1]);
		redirect_to(200, fields[i][0], fields[i][1]);
	}
}

static void test_the_environments_proxies_are_not_used(void **state)
{
	static const char *const proxies[] = { "http://" NET_PROXY ":3128", "socks5h://" NET_PROXY ":1080",
		                               "socks4a://" NET_PROXY ":1080", "http://127.0.0.1:3128" };

	(void)state;
	for (size_t p = 0; p < sizeof(proxies) / sizeof(proxies[0]); p++) {
		set_proxies(proxies[p]);
		close_poster();
		open_poster("");
		for (size_t i = 0; i < inside_table_count; i++)
			assert_refused(&inside_table[i]);
		inside_net_answers(NET_APP);
		post_to("http://direct.example/"); /* none of the table's, which are remembered */
		assert_int_equal(got.status, 200);
		assert_nobody_at(PLACE_PROXY, proxies[p]);
		assert_nobody_at(PLACE_INSIDE, proxies[p]);
		inside_net_forget();
	}
}

static void test_other_protocols_are_refused(void **state)
{
	static const char *const schemes[] = { "file", "ftp",   "ftps", "gopher", "gophers", "dict",
		                               "ldap", "ldaps", "tftp", "telnet", "smb",     "scp",
		                               "sftp", "rtsp",  "rtmp", "mqtt",   "imap",    "pop3",
		                               "smtp", "ws",    "wss",  "unix",   "data",    "jar" };
	static const char *const hosts[] = { "127.0.0.1", NET_APP };
	char uri[64];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(schemes) / sizeof(schemes[0]); i++) {
		snprintf(uri, sizeof(uri), "%s://%s/", schemes[i / 2], hosts[i % 2]);
		assert_non_null(callback_refused(rules, uri, NULL, 0));
		post_to(uri);
		assert_int_equal(got.status, 0);
		for (enum place place = 0; place < PLACES; place++)
			assert_nobody_at(place, uri);
	}
	/* without a scheme libcurl guesses one from the name */
	inside_net_answers(NET_APP);
	post_to("ftp.app.example/");
	assert_int_equal(got.status, 0);
	assert_nobody_at(PLACE_APP, "ftp.app.example");
}

/* ---- what the operator allows ---- */

static void test_the_operators_networks_and_no_more(void **state)
{
	static const struct {
		const char *address;
		bool allowed;
	} rows[] = {
		{ "126.255.255.255", true }, /* outside anyway */
		{ "127.0.0.0", true },
		{ "127.255.255.255", true },
		{ "128.0.0.0", true }, /* outside anyway */
		{ "10.0.255.255", false },
		{ "10.1.0.0", true },
		{ "10.1.255.255", true },
		{ "10.2.0.0", false },
		{ "192.168.7.8", false },
		{ "192.168.7.9", true },
		{ "192.168.7.10", false },
		{ "[::ffff:10.0.255.255]", false },
		{ "[::ffff:10.1.0.0]", true },
		{ "[::ffff:10.1.255.255]", true },
		{ "[::ffff:10.2.0.0]", false },
		{ "[::ffff:7f00:0]", true },
		{ "[fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]", false },
		{ "[fd00::]", true },
		{ "[fd00:0:0:ffff:ffff:ffff:ffff:ffff]", true },
		{ "[fd00:0:1::]", false },
		{ "[::1]", true },
		{ "[::2]", false },
		{ "172.16.0.1", false },
		{ "169.254.169.254", false },
	};
	char uri[128];

	(void)state;
	close_poster();
	open_poster("127.0.0.0/8,10.1.0.0/16,192.168.7.9,fd00::/48,::1/128");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(uri, sizeof(uri), "http://%s/", rows[i].address);
		inside_net_forget();
		post_to(uri);
		if (got.refused == rows[i].allowed || (got.status == 200) != rows[i].allowed)
			fail_msg("%s: status %d, refused %d", uri, got.status, got.refused);
		assert_int_equal(inside_net_seen(PLACE_INSIDE).connects, rows[i].allowed);
		assert_int_equal(!callback_refused(rules, uri, NULL, 0), rows[i].allowed);
	}
}

int main(void)
{
#define STORY(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(test_the_net_counts),
		STORY(test_every_spelling_is_refused_at_the_connect),
		STORY(test_the_door_asks_no_resolver),
		STORY(test_a_name_that_moves_inside),
		STORY(test_answers_that_are_partly_inside),
		STORY(test_a_kept_connection_serves_no_other_name),
		STORY(test_an_allowed_connection_serves_no_other_name),
		STORY(test_redirects_are_not_followed),
		STORY(test_other_fields_lead_nowhere),
		STORY(test_the_environments_proxies_are_not_used),
		STORY(test_other_protocols_are_refused),
		STORY(test_the_operators_networks_and_no_more),
	};

	/* or libcurl would take no name beyond ASCII, and look-alikes would not be tried at all */
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
