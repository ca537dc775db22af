package dev.gantry.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which containerd the tests run: the one of the PATH, or the one that the system property {@code gantry.containerd} names, with its
 * shim, {@code ctr} and, if there are such, runc and crun in the same directory.
 *
 * @param daemon its program
 * @param folder where the programs beside it are; empty for those of the PATH
 * @param major of its version
 * @param minor of its version
 */
public record ContainerdProgram(String daemon, Optional<Path> folder, int major, int minor) {
    private static final Pattern VERSION = Pattern.compile("\\bv?(\\d{1,4})\\.(\\d{1,4})\\.\\d");

    /**
     * Asks the program for its version.
     *
     * @throws IOException if there is none, or it does not tell
     */
    public static ContainerdProgram ofThisMachine() throws IOException, InterruptedException {
        String named = System.getProperty("gantry.containerd", "");
        String daemon = named.isEmpty() ? "containerd" : named;
        Process process = new ProcessBuilder(daemon, "--version")
                .redirectErrorStream(true)
                .start();
        String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(
                    "%s --version: exit code %d, %s".formatted(daemon, process.exitValue(), told.strip()));
        }
        Matcher version = VERSION.matcher(told);
        if (!version.find()) {
            throw new IOException("%s --version: no version in: %s".formatted(daemon, told.strip()));
        }
        return new ContainerdProgram(
                daemon,
                named.isEmpty()
                        ? Optional.empty()
                        : Optional.ofNullable(Path.of(named).toAbsolutePath().getParent()),
                Integer.parseInt(version.group(1)),
                Integer.parseInt(version.group(2)));
    }

    /** Whether it has what came with a version. */
    public boolean isAtLeast(int major, int minor) {
        return this.major > major || (this.major == major && this.minor >= minor);
    }

    /** A program that belongs to it, such as {@code ctr}. */
    String beside(String name) {
        return folder.map(place -> place.resolve(name).toString()).orElse(name);
    }

    /** The PATH on which it finds its shim, and the shim runc, after one of this process. */
    String path(String ownPath) {
        return folder.map(place -> place + ":" + ownPath).orElse(ownPath);
    }

    /**
     * Its configuration: all of it below one directory, with runc and crun as runtime handlers.
     *
     * @param cniPlugins where CNI's plugins are
     */
    String configuration(Path directory, Path socket, Path cniPlugins, String pauseImage) {
        String cniProgram = isAtLeast(2, 1) ? "bin_dirs = [\"%s\"]" : "bin_dir = \"%s\"";
        String own = major >= 2 ? """
                version = 3
                disabled_plugins = ["io.containerd.nri.v1.nri"]
                %1$s
                [plugins."io.containerd.cri.v1.images".pinned_images]
                  sandbox = "%2$s"
                [plugins."io.containerd.cri.v1.runtime"]
                """ : """
                version = 2
                %1$s
                [plugins."io.containerd.grpc.v1.cri"]
                  sandbox_image = "%2$s"
                """;
        String daemon = """
                root = "%1$s/root"
                state = "%1$s/state"
                oom_score = 0
                [grpc]
                  address = "%2$s"
                """.formatted(directory, socket);
        String plugin = "plugins.\"" + (major >= 2 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri");
        return own.formatted(daemon, pauseImage)
                + """
                  disable_apparmor = true
                  restrict_oom_score_adj = true
                  [%1$s".cni]
                    %2$s
                    conf_dir = "%3$s/cni"
                  [%1$s".containerd]
                    default_runtime_name = "runc"
                %4$s%5$s""".formatted(
                                plugin,
                                cniProgram.formatted(cniPlugins),
                                directory,
                                handler(plugin, "runc"),
                                handler(plugin, "crun"));
    }

    private static String handler(String plugin, String name) {
        return """
                    [%1$s".containerd.runtimes.%2$s]
                      runtime_type = "io.containerd.runc.v2"
                      [%1$s".containerd.runtimes.%2$s.options]
                        BinaryName = "%2$s"
                """.formatted(plugin, name);
    }
}
