# test_proxy.py - what callcast-proxy does to a connection, and redirect.so to a program's way there
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from processes import BIN, environment, free_port, with_parent  # noqa: E402


def echo(listener):
    """Sends back whatever comes, a thread for each connection."""
    def serve(s):
        with s:
            try:
                while data := s.recv(65536):
                    s.sendall(data)
            except OSError:
                pass

    while True:
        try:
            s, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(s,), daemon=True).start()


class Proxy(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        threading.Thread(target=echo, args=(self.listener,), daemon=True).start()
        self.target = self.listener.getsockname()[1]
        self.port = free_port()
        self.child = subprocess.Popen([os.path.join(BIN, "callcast-proxy"), f"a={self.port}:{self.target}"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      preexec_fn=with_parent)
        self.addCleanup(self.end)
        self.assertEqual(self.child.stdout.readline(), "ready\n")

    def end(self):
        self.child.stdin.close()
        self.assertEqual(self.child.wait(5), 0)
        self.child.stdout.close()

    def order(self, line, answer="done"):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        self.assertEqual(self.child.stdout.readline().strip(), answer)

    def connect(self, seconds=2):
        s = socket.create_connection(("127.0.0.1", self.port), seconds)
        self.addCleanup(s.close)
        return s

    def exchange(self, s, data=b"hello"):
        """The seconds that it took to come back."""
        began = time.monotonic()
        threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
        back = b""
        while len(back) < len(data):
            part = s.recv(65536)
            self.assertTrue(part, "the connection was closed")
            back += part
        self.assertEqual(back, data)
        return time.monotonic() - began

    def test_pass(self):
        s = self.connect()
        self.assertLess(self.exchange(s), 0.5)
        self.exchange(s, os.urandom(8 << 20))  # more than any queue holds
        self.listener.close()
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(s.recv(1), b"")

    def test_delay_both_ways(self):
        s = self.connect()
        self.order("a delay 150")
        self.assertGreaterEqual(self.exchange(s), 0.3)
        self.order("all heal")
        self.assertLess(self.exchange(s), 0.25)

    def test_cut(self):
        s = self.connect()
        self.exchange(s)
        self.order("a cut")
        with self.assertRaises(ConnectionResetError):
            s.recv(1)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.order("a heal")
        self.exchange(self.connect())

    def test_stall(self):
        old = self.connect()
        self.exchange(old)
        self.order("a stall")
        new = self.connect(0.3)
        for s in (old, new):
            s.settimeout(0.3)
            s.sendall(b"late")
            with self.assertRaises(TimeoutError):
                s.recv(4)
        self.order("a pass")
        for s in (old, new):
            s.settimeout(2)
            self.assertEqual(s.recv(4), b"late")

    def test_orders_that_make_no_sense(self):
        for line in ("b cut", "a", "a dance", "a delay", "a delay -1"):
            self.order(line, "what?")
        self.exchange(self.connect())

    def test_redirect(self):
        free = free_port()
        code = f"import socket; s = socket.create_connection(('127.0.0.1', {free}), 2); s.sendall(b'x'); print(s.recv(1))"
        env = environment(LD_PRELOAD=os.path.join(BIN, "redirect.so"), CHAOS_REDIRECT=f"1:2,{free}:{self.port}")
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout.strip(), "b'x'", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
