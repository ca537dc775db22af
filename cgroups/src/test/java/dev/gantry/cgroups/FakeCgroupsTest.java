package dev.gantry.cgroups;

import dev.gantry.linux.Linux;
import dev.gantry.testing.FakeCgroups;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** That the fake does as the kernel does. */
class FakeCgroupsTest extends CgroupContract {
    private final AtomicInteger nextPid = new AtomicInteger(1000);
    private CgroupTree tree;

    @TempDir
    Path top;

    @BeforeEach
    void discover() throws CgroupException {
        FakeCgroups linux = new FakeCgroups(Linux.system(), top, "cpuset", "cpu", "io", "memory", "hugetlb", "pids");
        Placement placement = new Placement(top.toString(), top.toString(), Placement.Origin.TOP, Placement.AGENT);
        tree = CgroupTree.at(linux, CgroupSettings.DEFAULT, placement);
    }

    @Override
    CgroupTree tree() {
        return tree;
    }

    @Override
    int process() {
        return nextPid.getAndIncrement();
    }
}
