# SPDX-License-Identifier: BSD-2-Clause
"""The service utility and rs behind it: starting, stopping, policies, updates, recovery scripts, stacks at run time."""
import json

OPTIONS = {"disks": ["sata0:32M", "sata1:32M"]}

POLICY = ("driver spare { ipc calls BASIC; ipc targets ds vm vfs; ipc linux yes; ipc kernel BASIC; heartbeat 200ms; }\n"
          "driver pcispare { like spare; ipc targets pci; ipc kernel MAPDMA IRQCTL; pci class 1/6/1; msi 1; }\n")


def write(guest, path, text):
    guest.agent.run(f"cat > {path}", 10, text.encode())


def refused(guest, command, words, status=1):
    """The command must fail and say why."""
    result = guest.run(command)
    assert result.status == status, result
    assert words in result.err.decode(), result


def up_ramdisk(guest, label, more=""):
    write(guest, "/tmp/policy", POLICY)
    guest.sh(f"service up ramdisk -label {label} -isolation /tmp/policy -args '-unit {label}0 -len 1M' {more}")


def detail(guest, label):
    return json.loads(guest.sh(f"service status {label} --json"))["component"]


def test_up_and_down(guest):
    """A second RAM disk comes, works, and goes with its name and its device file."""
    up_ramdisk(guest, "spare")
    guest.until("test -b /dev/spare0")
    guest.sh("dd if=/dev/urandom of=/dev/spare0 bs=64k count=8 2>/dev/null")
    guest.sh("service down spare")
    assert "spare" not in guest.services()
    assert "spare" not in guest.sh("cat /proc/axolotl/ds")
    refused(guest, "service status spare", "no such component")


def test_nothing_starts_without_a_policy(guest):
    refused(guest, "service up /bin/busybox -label nobody", "no isolation policy names it")


def test_isolation_file_with_an_error_is_refused(guest):
    write(guest, "/tmp/bad", "driver spare {\n ipc cals BASIC;\n}\n")
    refused(guest, "service up ramdisk -label spare -isolation /tmp/bad", "isolation file:2: 'cals'")


def test_first_start_that_fails_is_final(guest):
    """No retries in the background: the unit's name belongs to another component."""
    write(guest, "/tmp/policy", POLICY)
    refused(guest, "service up ramdisk -label spare -isolation /tmp/policy -args '-unit ram0 -len 1M'", "spare: ")
    assert "spare" not in guest.services()


def test_label_is_taken_once(guest):
    refused(guest, "service up ramdisk -label tty -args '-unit x -len 1M'", "tty: is there already")


def test_bad_words_are_named(guest):
    refused(guest, "service frobnicate", "frobnicate: unknown command", 2)
    refused(guest, "service up ramdisk -label x -period soon", "-period: bad value 'soon'")
    refused(guest, "service up ramdisk -colour red", "unknown option -colour")
    refused(guest, "service down vfs", "trusted base")
    refused(guest, "service stack 'mirror(sata0'", "column 13")


def test_only_root_changes_anything(guest):
    """An ordinary user may look."""
    guest.sh("su -s /bin/sh nobody -c 'service list' | grep -q ahci")
    refused(guest, "su -s /bin/sh nobody -c 'service down ahci'", "only root may do that")
    refused(guest, "su -s /bin/sh nobody -c \"service stack 'mirror(sata0,sata1)' x\"", "only root may change stacks")


def test_update_to_a_binary_in_a_file(guest):
    up_ramdisk(guest, "spare")
    before = guest.pid_of("spare")
    guest.sh("service update spare /sbin/ramdisk")
    assert guest.pid_of("spare") != before
    assert detail(guest, "spare")["cause"] == "update"
    guest.sh("service refresh spare; service restart spare; service down spare")


def test_standby_is_promoted(guest):
    """The next incarnation existed before the kill, and another one is made after it."""
    up_ramdisk(guest, "spare", "-standby yes")
    guest.until("service list | grep -q 'spare.*standby'")
    guest.sh(f"kill -9 {guest.pid_of('spare')}")
    guest.until("tail -n 30 /proc/axolotl/events | grep -q 'restart spare .*standby=1'")
    guest.until("service list | grep -q 'spare.*running.*standby'")
    guest.sh("service down spare")


def test_kill_of_process_and_standby_at_once(guest):
    guest.until("service list | grep -q 'ahci.*standby'")
    before = detail(guest, "ahci")["restarts"]
    guest.sh("kill -9 $(pidof ahci 'ahci+')")
    guest.until(f"service list | awk '$1 == \"ahci\" && $4 > {before} && $2 == \"running\" {{ok = 1}} END {{exit !ok}}'")


def test_standby_has_a_name_of_its_own(guest):
    """Who kills by name hits the component alone; the spare takes its place and its name."""
    guest.until("service list | grep -q 'ahci.*running.*standby'")
    guest.check("pidof ahci", str(guest.pid_of("ahci")))
    spare = guest.sh("pidof ahci+")
    guest.sh("kill -9 $(pidof ahci)")
    guest.until(f"test \"$(pidof ahci)\" = {spare}")
    guest.until("tail -n 30 /proc/axolotl/events | grep -q 'restart ahci .*standby=1'")
    guest.until("service list | grep -q 'ahci.*running.*standby'")
    assert guest.pid_of("ahci") == int(spare)


def test_names_of_units_and_binaries(guest):
    """What people call a component; the answer says which one it was."""
    for word in ("ahci0", "sata1"):
        before = guest.pid_of("ahci")
        guest.check(f"service refresh {word}", f"{word}: ahci")
        assert guest.pid_of("ahci") != before
    guest.check("service refresh ahci", "")
    assert detail(guest, "sata0")["label"] == "ahci"
    refused(guest, "service refresh sata7", "sata7: no such component")
    refused(guest, "service refresh vfs0", "no such component")
    up_ramdisk(guest, "spare")
    refused(guest, "service refresh ramdisk0", "2 components run that binary")
    guest.check("service down spare0", "spare0: spare")


def test_list_has_endpoints(guest):
    rows = guest.services()
    assert int(rows["ahci"]["ENDPOINT"]) == detail(guest, "ahci")["endpoint"], rows["ahci"]


def test_policies_are_in_the_root_image(guest):
    guest.sh("grep -q '^driver ahci {' /etc/system.conf")


def test_hang_is_found_by_the_heartbeat(guest):
    up_ramdisk(guest, "spare", "-period 0.1")
    guest.sh(f"kill -STOP {guest.pid_of('spare')}")
    guest.until("service list | grep -q 'spare.*running.*heartbeat'", 5)
    assert detail(guest, "spare")["causes"]["heartbeat"] == 1
    guest.sh("service down spare")


def test_recovery_script_decides_when(guest):
    """The component is down while its script runs, and comes back by its `service refresh`."""
    write(guest, "/tmp/script", "#!/bin/sh\necho \"$1 $2 $3\" > /tmp/script.out\nsleep 1\nservice refresh $1\n")
    guest.sh("chmod +x /tmp/script; rm -f /tmp/script.out")
    up_ramdisk(guest, "spare", "-recovery /tmp/script")
    guest.sh(f"kill -9 {guest.pid_of('spare')}")
    guest.until("test -s /tmp/script.out")
    guest.check("cat /tmp/script.out", "spare signal 1")
    assert detail(guest, "spare")["state"] == "backoff"
    guest.until("service list | grep -q 'spare.*running'")
    guest.sh("service down spare")


def test_second_owner_gets_no_device(guest):
    """The only AHCI controller is ahci's: a second driver for it finds nothing and goes down."""
    write(guest, "/tmp/policy", POLICY)
    refused(guest, "service up /sbin/ahci -label pcispare -isolation /tmp/policy", "No such device")


def test_pci_survives_and_keeps_the_claims(guest):
    refused(guest, "service down pci", "drivers with devices need it")
    guest.sh(f"kill -9 {guest.pid_of('pci')}")
    guest.until("service list | grep -q 'pci.*running.*signal'")
    guest.until("grep -q 'class 010601 .* owner ahci' /proc/axolotl/pci")
    guest.sh(f"kill -9 {guest.pid_of('ahci')}")
    guest.until("service list | grep -q 'ahci.*running'")
    guest.sh("dd if=/dev/sata0 of=/dev/null bs=64k count=8 2>/dev/null")


def test_stack_comes_and_goes_at_run_time(guest):
    guest.sh("dd if=/dev/zero of=/dev/sata0 bs=1M count=1 2>/dev/null; dd if=/dev/zero of=/dev/sata1 bs=1M count=1 2>/dev/null")
    guest.sh("mkstack -f 'checksum(mirror(sata0,sata1))'", 60)
    guest.sh("service stack 'checksum(mirror(sata0, sata1))' vol")
    guest.until("test -b /dev/vol")
    guest.sh("dd if=/bin/busybox of=/dev/vol bs=64k conv=fsync 2>/dev/null; cmp -n 1000000 /dev/vol /bin/busybox", 60)
    refused(guest, "service stack 'mirror(sata0,sata1)' vol", "there is a stack of that name")
    listed = json.loads(guest.sh("service stack --json"))["stacks"]
    assert listed == [{"name": "vol", "kind": "storage", "state": "running",
                       "expression": "checksum(mirror(sata0, sata1))"}], listed
    assert guest.services()["mirror.vol.1"]["STATE"] == "running"
    guest.sh("service stack -down vol")
    guest.until("! service list | grep -q vol")
    guest.check("service stack | grep -c vol || true", "0")
    refused(guest, "service stack -down vol", "no such stack")


def test_second_name_of_a_unit_comes_and_goes(guest):
    guest.sh("service stack sata0 other")
    guest.until("test -b /dev/other")
    guest.check("service stack | awk '$1 == \"other\" {print $2, $3, $4}'", "storage running sata0")
    refused(guest, "service stack sata1 other", "there is a stack of that name")
    guest.sh("service stack -down other; test ! -b /dev/other")


def test_network_stacks_are_checked(guest):
    """Each complaint names the place in the expression."""
    refused(guest, "service stack -net 'guard(sata0)'", "column 7: sata0 is a storage unit")
    refused(guest, "service stack -net 'guard(checksum(x))'", "column 7: checksum is a filter for storage stacks")
    refused(guest, "service stack 'capture(sata0)'", "column 1: capture is a filter for network stacks")
    refused(guest, "service stack -net 'nonsense(e1000_0)'", "column 1: there is no filter nonsense")
    refused(guest, "service stack -net", "wrong number of arguments")


def test_network_can_be_left_out(boot):
    """net=none: no network driver is started; inet has its loopback, and takes a card when its driver comes."""
    guest = boot(boot=["net=none"])
    rows = guest.services()
    assert not {"e1000", "virtio_net", "rtl8139"} & set(rows), rows
    guest.until("ping -c 1 127.0.0.1")
    guest.sh("service up /sbin/e1000")
    guest.until("ping -c 1 10.0.2.2", 20)


def test_violations_of_healthy_components_are_none(guest):
    """No component does what its policy does not allow."""
    text = guest.sh("grep -c ' violation ' /proc/axolotl/events || true")
    assert text.strip() == "0", guest.sh("grep violation /proc/axolotl/events")
