package dev.gantry.runtime;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The AppArmor profile of containers that name none. The kernel takes compiled profiles only, and the compiler is a program
 * of the distribution's, so a machine without it has no default profile. Once loaded it stays: containers outlive us.
 */
final class AppArmorDefault {
    /** Counted up with each change: a profile that containers run under is not replaced under them. */
    static final String NAME = "gantry-default-1";

    private static final Logger LOG = LoggerFactory.getLogger(AppArmorDefault.class);
    private static final List<Path> PARSERS =
            List.of(Path.of("/sbin/apparmor_parser"), Path.of("/usr/sbin/apparmor_parser"));
    private static final int PARSER_SECONDS = 20;

    /**
     * Second line of defence behind mounts, capabilities and seccomp: no mounts, nothing of the kernel's that is not the
     * container's, signals and tracing only among those who have the same profile.
     */
    private static final String PROFILE = """
            profile %1$s flags=(attach_disconnected, mediate_deleted) {
              file,
              network,
              capability,
              unix,
              dbus,
              umount,
              deny mount,
              deny pivot_root,
              signal (receive) peer=unconfined,
              signal (send, receive) peer=%1$s,
              ptrace (trace, tracedby, read, readby) peer=%1$s,
              deny /proc/sysrq-trigger rwklx,
              deny /proc/kcore rwklx,
              deny /proc/kmem rwklx,
              deny /proc/mem rwklx,
              deny /sys/firmware/** rwklx,
              deny /sys/kernel/security/** rwklx,
              deny /sys/kernel/debug/** rwklx,
              deny /sys/devices/virtual/powercap/** rwklx,
            }
            """.formatted(NAME);

    private final Path list;
    private boolean tried;

    /** @param list the kernel's list of profiles */
    AppArmorDefault(Path list) {
        this.list = list;
    }

    /** Loads it unless it is loaded; empty, with a line in the log, if it cannot be. */
    synchronized Optional<String> load() {
        if (!tried) {
            tried = true;
            if (!isLoaded()) {
                parse();
            }
        }
        return isLoaded() ? Optional.of(NAME) : Optional.empty();
    }

    /** What {@link #load} is likely to answer, without doing it. */
    static Optional<String> expected() {
        return PARSERS.stream().anyMatch(Files::isExecutable) ? Optional.of(NAME) : Optional.empty();
    }

    private boolean isLoaded() {
        try {
            return Files.readAllLines(list).stream().anyMatch(line -> line.startsWith(NAME + " ("));
        } catch (IOException e) {
            return false;
        }
    }

    private void parse() {
        Optional<Path> parser = PARSERS.stream().filter(Files::isExecutable).findFirst();
        if (parser.isEmpty()) {
            LOG.atWarn().log("No AppArmor profile for containers that name none: apparmor_parser is not installed");
            return;
        }
        try {
            Process process = new ProcessBuilder(parser.get().toString(), "--replace", "--skip-cache")
                    .redirectErrorStream(true)
                    .start();
            try (OutputStream text = process.getOutputStream()) {
                text.write(PROFILE.getBytes(StandardCharsets.US_ASCII));
            }
            if (!process.waitFor(PARSER_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                LOG.atWarn().addKeyValue("seconds", PARSER_SECONDS).log("Gave up loading the AppArmor profile");
            } else if (process.exitValue() != 0) {
                String said = new String(process.getInputStream().readNBytes(4096), StandardCharsets.UTF_8).strip();
                LOG.atWarn()
                        .addKeyValue("exitCode", process.exitValue())
                        .addKeyValue("output", said)
                        .log("Could not load the AppArmor profile");
            }
        } catch (IOException e) {
            LOG.atWarn().setCause(e).log("Could not load the AppArmor profile");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
