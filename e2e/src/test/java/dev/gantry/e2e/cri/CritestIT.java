package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.e2e.Registry;
import dev.gantry.e2e.RuntimeProcess;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kubernetes' own conformance tests of runtimes against our socket. Their program is no part of this project: the
 * property {@code gantry.critest} names one. It pulls public images by name; here a registry of stand-ins has their
 * names, in a mount namespace whose {@code /etc} says so. {@code gantry.critest.focus} picks tests by a regular
 * expression, {@code gantry.critest.busybox} names the program in the images: one test wants a shell that looks for all
 * commands in the PATH, as that of Debian's busybox does and that of busybox-static does not.
 */
@RequiresRoot
@RequiresTool({"docker-registry", "openssl", "gcc", "unshare", "nsenter", "/bin/busybox"})
@EnabledIfSystemProperty(
        named = "gantry.critest",
        matches = "/.*",
        disabledReason = "needs a critest: -Dgantry.critest=/path/to/critest")
class CritestIT {
    /** Of critest 1.37, on a machine without AppArmor and memory controller: see docs/cri.md. */
    private static final int LEAST_PASSED = 113;

    /** Tests that need the memory controller of cgroup v2. */
    private static final String NEEDS_MEMORY = "OOMKilled reason|listing pod sandbox metrics";

    private static final String REGISTRY_ADDRESS = "127.0.77.1";

    /** The digest that critest asks for: the text in its program is replaced by that of our image, as long. */
    private static final String ITS_DIGEST = "sha256:109faf8344f64d9edd82ba170bc57a39cc87294d7090e9c6e656ba529a099de7";

    /** Makes mounts of its own that containers can share, and an {@code /etc} with our hosts and certificates. */
    private static final String NAMESPACE = """
            set -e
            mount --make-rshared /
            mount -t tmpfs none "$0"
            mkdir "$0/upper" "$0/work"
            mount -t overlay none -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" /etc
            cp "$1" /etc/hosts
            for name in $2; do
                mkdir -p "/etc/gantry/certs.d/$name"
                cp "$3" "/etc/gantry/certs.d/$name/ca.crt"
            done
            shift 3
            exec env -u HTTPS_PROXY -u https_proxy -u HTTP_PROXY -u http_proxy "$@"
            """;

    @TempDir
    Path directory;

    @Test
    void noTestFails() throws Exception {
        String focus = System.getProperty("gantry.critest.focus", "");
        try (Registry registry =
                Registry.named(directory.resolve("registry"), REGISTRY_ADDRESS, CritestImages.REGISTRIES)) {
            Path program = program(CritestImages.push(
                    registry, directory, Path.of(System.getProperty("gantry.critest.busybox", "/bin/busybox"))));
            Path etc = Files.createDirectories(directory.resolve("etc"));
            Path hosts = Files.writeString(
                    directory.resolve("hosts"),
                    Files.readString(Path.of("/etc/hosts")) + "\n" + REGISTRY_ADDRESS + " "
                            + String.join(" ", CritestImages.REGISTRIES) + "\n");
            List<String> wrapper = List.of(
                    "unshare",
                    "--mount",
                    "sh",
                    "-c",
                    NAMESPACE,
                    etc.toString(),
                    hosts.toString(),
                    String.join(" ", CritestImages.REGISTRIES),
                    registry.certificate().orElseThrow().toString());
            try (RuntimeProcess runtime = RuntimeProcess.start(directory.resolve("node"), wrapper)) {
                Map<String, List<String>> results;
                try {
                    results = run(program, runtime, focus);
                } finally {
                    removePods(runtime);
                }
                assertThat(results.getOrDefault("failed", List.of())).isEmpty();
                assertThat(results.keySet()).isSubsetOf("passed", "skipped");
                if (focus.isEmpty()) {
                    assertThat(results.get("passed")).hasSizeGreaterThanOrEqualTo(LEAST_PASSED);
                }
            }
        }
    }

    /** A test that failed may have left some. */
    private static void removePods(RuntimeProcess runtime) {
        RuntimeServiceGrpc.RuntimeServiceBlockingStub calls = RuntimeServiceGrpc.newBlockingStub(runtime.channel());
        calls.listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                .getItemsList()
                .forEach(pod -> {
                    var unused = calls.removePodSandbox(RemovePodSandboxRequest.newBuilder()
                            .setPodSandboxId(pod.getId())
                            .build());
                });
    }

    private Path program(String digest) throws IOException {
        assertThat(digest).hasSameSizeAs(ITS_DIGEST);
        String program = Files.readString(Path.of(System.getProperty("gantry.critest")), StandardCharsets.ISO_8859_1);
        Path changed = Files.write(
                directory.resolve("critest"),
                program.replace(ITS_DIGEST, digest).getBytes(StandardCharsets.ISO_8859_1));
        assertThat(changed.toFile().setExecutable(true)).isTrue();
        return changed;
    }

    /** Names of tests by result: passed, skipped, failed, panicked, … */
    private Map<String, List<String>> run(Path program, RuntimeProcess runtime, String focus) throws Exception {
        Path report = directory.resolve("report.json");
        Path log = Path.of("target", "critest.log").toAbsolutePath();
        List<String> words = new ArrayList<>(List.of(
                "nsenter",
                "--mount",
                "--target",
                Long.toString(runtime.pid()),
                program.toString(),
                "-runtime-endpoint",
                "unix://" + runtime.socket(),
                "-ginkgo.no-color",
                "-ginkgo.v",
                "-ginkgo.json-report",
                report.toString()));
        if (!focus.isEmpty()) {
            words.addAll(List.of("-ginkgo.focus", focus));
        }
        if (!hasMemoryController()) {
            words.addAll(List.of("-ginkgo.skip", NEEDS_MEMORY));
        }
        Process process = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(30, TimeUnit.MINUTES)).as("ended").isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(report).as("its report; its output is in %s", log).exists();
        return read(report);
    }

    private static boolean hasMemoryController() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/mounts"))) {
            String[] fields = line.split(" ", -1);
            if (fields[2].equals("cgroup2")) {
                return List.of(Files.readString(Path.of(fields[1], "cgroup.controllers"))
                                .strip()
                                .split(" ", -1))
                        .contains("memory");
            }
        }
        return false;
    }

    private static Map<String, List<String>> read(Path report) throws IOException {
        Map<String, List<String>> results = new TreeMap<>();
        for (JsonNode spec :
                new ObjectMapper().readTree(report.toFile()).path(0).path("SpecReports")) {
            List<String> words = new ArrayList<>();
            spec.path("ContainerHierarchyTexts").forEach(text -> words.add(text.asText()));
            String test = spec.path("LeafNodeText").asText();
            if (!test.isEmpty()) {
                words.add(test);
                words.add(spec.path("Failure").path("Message").asText());
                results.computeIfAbsent(spec.path("State").asText(), state -> new ArrayList<>())
                        .add(String.join(" ", words));
            }
        }
        return results;
    }
}
