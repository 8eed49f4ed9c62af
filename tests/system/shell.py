# SPDX-License-Identifier: BSD-2-Clause
"""The shell on the console: prompt, line editing, job control, signals from the keyboard, full-screen programs."""


def test_prompt_and_command(guest):
    guest.fresh_prompt()
    assert guest.type_line("echo $((6 * 7))") == "42\n"


def test_pipe_and_redirection(guest):
    guest.fresh_prompt()
    assert guest.type_line("ls / > /tmp/l 2>&1; sort -r < /tmp/l | tail -n 1") == "bin\n"


def test_line_editing_erases(guest):
    guest.fresh_prompt()
    found = guest.type_line("echo abX\x7fc", echo="c")
    assert found == "abc\n", found


def test_ctrl_c_ends_the_foreground_program(guest):
    guest.fresh_prompt()
    guest.console.send("sleep 100\n")
    guest.until("pidof sleep")
    guest.console.send("\x03")
    guest.console.expect(r"axolotl# ", 5)
    assert guest.type_line("echo $?") == "130\n"


def test_ctrl_z_stops_and_fg_continues(guest):
    guest.fresh_prompt()
    guest.console.send("sleep 2\n")
    guest.until("pidof sleep")
    guest.console.send("\x1a")
    guest.console.expect(r"Stopped.*axolotl# ", 5)
    assert "Stopped" in guest.type_line("jobs")
    guest.console.send("fg\n")
    guest.console.expect(r"sleep 2.*axolotl# ", 8)


def test_background_job_runs_on(guest):
    guest.fresh_prompt()
    guest.type_line("(sleep 1; echo done > /tmp/bg) &")
    guest.until("grep -q done /tmp/bg", 5)
    guest.fresh_prompt()
    assert "[" not in guest.type_line("jobs")


def test_ctrl_d_ends_cat(guest):
    guest.fresh_prompt()
    guest.console.send("cat > /tmp/typed\n")
    guest.until("pidof cat")
    guest.console.send("some text\n\x04")
    guest.console.expect(r"axolotl# ", 5)
    guest.check("cat /tmp/typed", "some text")


def test_vi_writes_a_file(guest):
    guest.sh("rm -f /tmp/v")
    guest.fresh_prompt()
    guest.type_line("stty rows 24 cols 80")
    guest.console.send("vi /tmp/v\n")
    guest.console.expect("~", 5)
    guest.console.send("ione\ntwo\x1b")
    guest.console.expect("two", 5)
    guest.console.send("kdd:wq\n")
    guest.console.expect(r"axolotl# ", 5)
    guest.check("cat /tmp/v", "two")


def test_terminal_settings_hold(guest):
    guest.fresh_prompt()
    guest.type_line("stty rows 33 cols 99")
    assert guest.type_line("stty size") == "33 99\n"
    guest.type_line("stty -echo; stty echo")
    assert "speed" in guest.type_line("stty -a")


def test_shell_starts_again_after_exit(guest):
    guest.fresh_prompt()
    guest.console.send("exit\n")
    guest.console.expect(r"BusyBox.*axolotl# ", 10)
