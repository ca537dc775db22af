package dev.gantry.agent.pod;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gantry.testing.CriO;
import dev.gantry.testing.RequiresCriO;
import org.junit.jupiter.api.Test;

/** The same on CRI-O. */
@RequiresCriO
class PodSecurityOnCriOIT extends PodSecurityIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::crio;
    }

    @Override
    String handlers() {
        return "crun, runc";
    }

    /** Of containerd's it has no DAC_READ_SEARCH, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE and SETFCAP. */
    @Override
    long defaultCapabilities() {
        return 0x5fb;
    }

    @Override
    String unknownCapability() {
        return "unknown capability \"CAP_FLY\" to add";
    }

    /** It gives a privileged container every capability that the kernel has. */
    @Test
    @Override
    void usersGroupsAndPrivileges() throws Exception {
        assumeTrue(CriO.rootHasAllCapabilities(), "root has not all capabilities here");
        super.usersGroupsAndPrivileges();
    }

    /** It has what its OCI runtime has: runc tells of it since 1.2. */
    @Test
    @Override
    void aPodHasUsersOfItsOwn() throws Exception {
        assumeTrue(node().hasUserNamespaces(), "the OCI runtime does not tell that it maps users of mounts");
        super.aPodHasUsersOfItsOwn();
    }
}
