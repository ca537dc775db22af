package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupTree;
import dev.gantry.images.ImageStore;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.runtime.pause.PauseLauncher;
import dev.gantry.runtime.seccomp.SeccompFilters;
import dev.gantry.runtime.spec.MachineFacts;
import dev.gantry.runtime.spec.SpecCompiler;
import java.time.Clock;
import java.util.concurrent.Executor;

/**
 * What all sandboxes of a runtime share.
 *
 * @param loop kernel events and timers; never blocked
 * @param executor for work that may wait, each task with a deadline
 * @param hostMounts the host's mount namespace
 * @param maxFiles RLIMIT_NOFILE that containers cannot exceed
 */
record Machine(
        Linux linux,
        EventLoop loop,
        Executor executor,
        Clock clock,
        RunDirectory run,
        ImageStore images,
        CgroupTree cgroups,
        NetworkProvider network,
        PauseLauncher pauses,
        Spares spares,
        SpecCompiler compiler,
        SeccompFilters filters,
        MachineFacts facts,
        OwnUsers users,
        Fd hostMounts,
        long maxFiles) {}
