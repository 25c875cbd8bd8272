#!/usr/bin/python3
# files.py - docker-compose.yml, Dockerfile, .dockerignore and deploy/keys.sh, looked through without an engine; ends with
# `N passed, N failed`
# usage: BIN_DIR=build/bin tests/containers/files.py        what it compares them with: the settings table, the Makefile
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import yaml

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(TREE, "build/bin")))
UNITS = {"ms": 0.001, "s": 1, "m": 60}
PROGRAMS = {"producer": "callcast-producer", "worker": "callcast-worker", "notifier": "callcast-notifier", "topics": "callcast"}


class Strict(yaml.SafeLoader):
    """A key that stands twice in a map is a fault: Compose takes the one and hides the other."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, f"a key stands twice: {sorted(keys)}", node.start_mark)
        return super().construct_mapping(node, deep)


def read(name):
    with open(os.path.join(TREE, name), encoding="utf-8") as file:
        return file.read()


def seconds(text):
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m)", text).groups()
    return int(number) * UNITS[unit]


def settings():
    """{variable: (programs, default)}, as the tool lists them."""
    table = {}
    listed = subprocess.run([os.path.join(BIN, "callcast"), "settings", "--markdown"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for row in listed.splitlines():
        cells = [cell.strip().strip("`") for cell in row.split("|")]
        if re.fullmatch(r"[a-z.]+", cells[1]):
            table["CALLCAST_" + cells[1].upper().replace(".", "_")] = tuple(cells[2:4])
    return table


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.compose = yaml.load(read("docker-compose.yml"), Strict)
        cls.services = cls.compose["services"]
        cls.settings = settings()

    def variables(self, service):
        return self.services[service].get("environment", {})

    def test_only_what_both_versions_of_compose_take(self):
        top = {key for key in self.compose if not key.startswith("x-")}
        self.assertEqual(top, {"services", "volumes"})
        for name, service in self.services.items():
            self.assertNotIn("start_interval", service.get("healthcheck", {}), name)
            for needed, how in service.get("depends_on", {}).items():
                self.assertIn(needed, self.services, name)
                self.assertEqual(set(how), {"condition"}, name)

    def test_each_setting_exists_and_is_its_programs(self):
        for service, program in PROGRAMS.items():
            for variable in self.variables(service):
                self.assertIn(variable, self.settings, f"{service}: no such setting")
                programs = self.settings[variable][0]
                self.assertTrue(programs == "all" or service in programs.split(", ") or program in programs.split(", "),
                                f"{service}: {variable} is read by {programs}")

    def test_each_starts_its_program(self):
        for service, program in PROGRAMS.items():
            self.assertEqual(self.services[service]["command"][0], program)
            self.assertIn("build/bin/callcast{,-producer,-worker,-notifier}", read("Dockerfile"))

    def test_health_is_asked_where_it_is_served(self):
        ports = re.findall(r"127\.0\.0\.1:([0-9]+)`?, `:([0-9]+)`, `:([0-9]+)", self.settings["CALLCAST_ADMIN_LISTEN"][1])[0]
        for service, port in zip(("producer", "worker", "notifier"), ports):
            self.assertIn(f"http://127.0.0.1:{port}/readyz", self.services[service]["healthcheck"]["test"])

    def test_a_program_may_drain_before_it_is_killed(self):
        for service in ("producer", "worker", "notifier"):
            drain = self.variables(service).get("CALLCAST_DRAIN_TIMEOUT", self.settings["CALLCAST_DRAIN_TIMEOUT"][1])
            self.assertGreater(seconds(self.services[service]["stop_grace_period"]), seconds(drain))

    def test_only_the_api_is_published_and_on_loopback(self):
        published = {name: service["ports"] for name, service in self.services.items() if "ports" in service}
        self.assertEqual(published, {"producer": ["${PUBLISH:-127.0.0.1:8080}:8080"]})

    def test_nothing_is_privileged_and_no_secret_is_in_it(self):
        for name, service in self.services.items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertIn("no-new-privileges:true", service["security_opt"], name)
            self.assertNotIn("privileged", service, name)
            for variable in service.get("environment", {}):
                self.assertNotRegex(variable, "KEY|BEARER|SECRET|PASSWORD|CONNECTION_STRING", name)
        for service in PROGRAMS:
            self.assertIs(self.services[service]["read_only"], True, service)
        self.assertRegex(read("Dockerfile"), r"(?m)^USER [1-9][0-9]*:[1-9][0-9]*$")

    def test_redis_keeps_its_data(self):
        words = self.services["redis"]["command"]
        given = dict(zip(words[1::2], words[2::2]))
        self.assertEqual((given["--appendonly"], given["--maxmemory-policy"]), ("yes", "noeviction"))

    def test_the_image_is_built_from_every_folder_of_the_programs(self):
        folders = re.search(r"^FOLDERS *:= (.*)$", read("Makefile"), re.M).group(1).split()
        kept = re.findall(r"^!(.*)$", read(".dockerignore"), re.M)
        for name in ("Makefile", "lib", "schemas", "local", *folders):
            self.assertIn(name, kept)
        for name in kept:
            self.assertTrue(os.path.exists(os.path.join(TREE, name)), name)

    def test_the_lists_of_packages_are_asked_for(self):
        dockerfile = read("Dockerfile")
        self.assertIn("RUN local/packages.sh build", dockerfile)
        named = " ".join(re.findall(r"apt-get install [^&]*", dockerfile)).split()[4:]
        self.assertEqual(named, ["ca-certificates", "curl", "$(cat", "/usr/share/callcast/packages)"])

    def test_the_stand_in_is_the_kafka_that_compose_names(self):
        version = re.search(r"^version=(.*)$", read("tests/kafka/kafka.sh"), re.M).group(1)
        self.assertEqual(self.services["kafka"]["image"], "apache/kafka:" + version)


def keys(where, *words, text=""):
    """deploy/keys.sh on a folder: exit status and what it said."""
    env = {**os.environ, "KEYS_DIR": where, "PATH": BIN + ":" + os.environ["PATH"]}
    done = subprocess.run([os.path.join(TREE, "deploy/keys.sh"), *words], input=text, text=True, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    return done.returncode, done.stdout


def start_with(tenants):
    """What the producer says of a tenants file, up to its first word on whether it takes it."""
    with subprocess.Popen([os.path.join(BIN, "callcast-producer"), "--tenants", tenants, "--kafka", "127.0.0.1:1",
                           "--redis", "127.0.0.1:1", "--http.listen", "127.0.0.1:0", "--admin.listen", "127.0.0.1:0",
                           "--drain.timeout", "1s"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as producer:
        for line in producer.stdout:
            if "http.listening" in line or "producer.refused" in line:
                break
        producer.kill()
    return line


class Keys(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="callcast-keys.")
        self.addCleanup(folder.cleanup)
        self.where = folder.name
        self.file = os.path.join(self.where, "tenants.json")

    def shown(self):
        status, text = keys(self.where, "show")
        self.assertEqual(status, 0, text)
        return dict(word.split("=", 1) for word in shlex.split(text))

    def test_they_are_made_once_and_the_producer_takes_them(self):
        self.assertEqual(keys(self.where, "make")[0], 0)
        self.assertEqual({oct(os.stat(os.path.join(self.where, name)).st_mode & 0o777) for name in os.listdir(self.where)},
                         {"0o600"})
        before = self.shown()
        self.assertEqual(set(before), {"CALLCAST_ENDPOINT", "CALLCAST_CONNECTION_STRING", "CALLCAST_API_KEY",
                                       "CALLCAST_ACCESS_KEY", "CALLCAST_BEARER", "CALLCAST_WEBHOOK_SECRET"})
        self.assertEqual(keys(self.where, "make")[0], 0)
        self.assertEqual(self.shown(), before)
        self.assertIn("http.listening", start_with(self.file))

    def test_no_two_stacks_have_the_same(self):
        keys(self.where, "make")
        before, first = self.shown(), read(self.file)
        os.remove(self.file)
        keys(self.where, "make")
        for name in ("CALLCAST_ACCESS_KEY", "CALLCAST_BEARER", "CALLCAST_WEBHOOK_SECRET"):
            self.assertNotEqual(self.shown()[name], before[name])
        self.assertNotEqual(re.search(r'"key": .*', read(self.file)).group(), re.search(r'"key": .*', first).group())

    def test_ones_own_tenants_file_takes_their_place(self):
        keys(self.where, "make")
        made = read(self.file)
        own = made.replace('"default"', '"mine"')
        self.assertEqual(keys(self.where, "put", text=own)[0], 0)
        self.assertEqual((read(self.file), read(self.file + ".former")), (own, made))
        self.assertEqual(sorted(os.listdir(self.where)), ["tenants.json", "tenants.json.former"])
        self.assertNotEqual(keys(self.where, "show")[0], 0)
        for name in (self.file, self.file + ".former"):
            self.assertEqual(oct(os.stat(name).st_mode & 0o777), "0o600")
        self.assertIn("http.listening", start_with(self.file))

    def test_what_the_producer_would_refuse_changes_nothing(self):
        keys(self.where, "make")
        made, shown = read(self.file), self.shown()
        for text, said in (("", "no tenants file"), ("{", "not valid JSON"), ("{}", "serverKeys"),
                           (made.replace('"name"', '"nmae"'), "unknown field 'nmae'"),
                           (read("examples/tenants.json"), "serverKeys[0].key: not base64")):
            with self.subTest(said):
                status, output = keys(self.where, "put", text=text)
                self.assertEqual(status, 1)
                self.assertIn(said, output)
                self.assertEqual((read(self.file), self.shown()), (made, shown))
                self.assertEqual(sorted(os.listdir(self.where)), ["env", "tenants.json"])

    def test_a_command_is_run_with_them(self):
        self.assertEqual(keys(self.where, "run", "true")[0], 1)
        keys(self.where, "make")
        self.assertEqual(keys(self.where, "run")[0], 2)
        status, text = keys(self.where, "run", "sh", "-c", 'echo "$CALLCAST_API_KEY"; exit 7')
        self.assertEqual((status, text.strip()), (7, self.shown()["CALLCAST_API_KEY"]))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
