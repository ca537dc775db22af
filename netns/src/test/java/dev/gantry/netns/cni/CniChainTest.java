package dev.gantry.netns.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CniChainTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final CniAttachment ATTACHMENT = new CniAttachment(
            "c0ffee",
            "/proc/7/ns/net",
            "eth0",
            Map.of("K8S_POD_NAME", "web"),
            Map.of("portMappings", "[{\"hostPort\":80}]", "bandwidth", "{}"));
    private static final String LIST = """
            {"cniVersion": "1.1.0", "name": "net", "plugins": [
              {"type": "bridge", "bridge": "cni0"},
              {"type": "portmap", "capabilities": {"portMappings": true}}]}
            """;

    @TempDir
    Path programs;

    private final List<String> calls = new ArrayList<>();
    private final Map<String, JsonNode> inputs = new HashMap<>();
    private final Map<String, PluginRunner.Output> answers = new HashMap<>();

    @BeforeEach
    void installPlugins() throws IOException {
        for (String name : List.of("bridge", "portmap")) {
            Files.createFile(
                    programs.resolve(name),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        }
    }

    @Test
    void addHandsEachResultToTheNextPlugin() throws Exception {
        answers.put("ADD bridge", ok("{\"ips\":[{\"address\":\"10.1.0.2/16\",\"gateway\":\"10.1.0.1\"}]}"));
        answers.put("ADD portmap", ok("{\"ips\":[{\"address\":\"10.1.0.2/16\",\"gateway\":\"10.1.0.1\"}],\"dns\":{}}"));

        CniResult result = chain(LIST).add(ATTACHMENT);

        assertThat(result.addresses()).containsExactly("10.1.0.2");
        assertThat(result.gateways()).containsExactly("10.1.0.1");
        assertThat(calls).containsExactly("ADD bridge", "ADD portmap");
        assertThat(input("ADD bridge").has("prevResult")).isFalse();
        assertThat(input("ADD portmap").path("prevResult").path("ips")).hasSize(1);
    }

    @Test
    void aPluginIsGivenOnlyTheCapabilitiesItAskedFor() throws Exception {
        answers.put("ADD bridge", ok("{}"));
        answers.put("ADD portmap", ok("{}"));

        chain(LIST).add(ATTACHMENT);

        assertThat(input("ADD bridge").has("runtimeConfig")).isFalse();
        assertThat(input("ADD portmap").path("runtimeConfig"))
                .isEqualTo(JSON.readTree("{\"portMappings\":[{\"hostPort\":80}]}"));
        assertThat(input("ADD portmap").has("capabilities")).isFalse();
        assertThat(input("ADD portmap").path("name").asText()).isEqualTo("net");
        assertThat(input("ADD portmap").path("cniVersion").asText()).isEqualTo("1.1.0");
    }

    @Test
    void delRunsInReverseWithTheResultOfAdd() throws Exception {
        answers.put("DEL bridge", ok(""));
        answers.put("DEL portmap", ok(""));

        chain(LIST).del(ATTACHMENT.withNetns(""), JSON.readTree("{\"ips\":[]}"));

        assertThat(calls).containsExactly("DEL portmap", "DEL bridge");
        assertThat(input("DEL bridge").path("prevResult").has("ips")).isTrue();
    }

    @Test
    void aPluginsErrorIsQuotedWithItsCode() {
        answers.put(
                "ADD bridge",
                new PluginRunner.Output(1, "{\"code\":11,\"msg\":\"busy\",\"details\":\"lock held\"}", ""));

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> chain(LIST).add(ATTACHMENT))
                .withMessage("network \"net\", ADD by plugin bridge: busy; lock held")
                .satisfies(refusal -> assertThat(refusal.code()).isEqualTo(11));
    }

    @Test
    void aCrashIsToldWithWhatItWroteForPeople() {
        answers.put("ADD bridge", new PluginRunner.Output(2, "", "panic: nil\n"));

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> chain(LIST).add(ATTACHMENT))
                .withMessage("network \"net\", ADD by plugin bridge: exit code 2; panic: nil");
    }

    @Test
    void aPluginThatIsNotInstalledIsNamed() throws IOException {
        Files.delete(programs.resolve("portmap"));

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> chain(LIST).status())
                .withMessageStartingWith(
                        "network \"net\": plugin portmap is in none of [" + programs + "]; install it");
    }

    @Test
    void gcAsksEveryPluginAndReportsTheFirstFailure() {
        answers.put("GC bridge", new PluginRunner.Output(1, "{\"code\":5,\"msg\":\"io\"}", ""));
        answers.put("GC portmap", ok(""));

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> chain(LIST).gc(List.of(ATTACHMENT)))
                .withMessageContaining("GC by plugin bridge: io");
        assertThat(calls).containsExactly("GC bridge", "GC portmap");
        assertThat(input("GC portmap").path("cni.dev/valid-attachments").toString())
                .isEqualTo("[{\"containerID\":\"c0ffee\",\"ifname\":\"eth0\"}]");
    }

    @Test
    void anAddressOfAnInterfaceOnTheHostIsNotThePods() throws IOException {
        CniResult result = CniResult.of(JSON.readTree("""
                        {"interfaces": [{"name": "cni0"}, {"name": "eth0", "sandbox": "/proc/7/ns/net"}],
                         "ips": [{"address": "10.1.0.1/16", "interface": 0},
                                 {"address": "10.1.0.2/16", "interface": 1},
                                 {"address": "fd00::2/64", "interface": 1}]}
                        """), "eth0");

        assertThat(result.addresses()).containsExactly("10.1.0.2", "fd00::2");
    }

    @Test
    void aPluginThatHangsIsKilledAtItsDeadline() throws Exception {
        var readers = Executors.newCachedThreadPool();
        Path program = script("sleep 600 & wait");

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> new ProcessPluginRunner(readers)
                        .run(program, Map.of("PATH", "/bin"), new byte[0], Duration.ofMillis(300)))
                .withMessageContaining("did not end within");
        readers.shutdownNow();
    }

    @Test
    void aRealProgramReadsItsConfigurationAndAnswers() throws Exception {
        var readers = Executors.newCachedThreadPool();
        Path program = script("read line; echo \"$CNI_COMMAND $line\"; echo warn >&2; exit 3");

        PluginRunner.Output output = new ProcessPluginRunner(readers)
                .run(
                        program,
                        Map.of("CNI_COMMAND", "ADD"),
                        "{}\n".getBytes(StandardCharsets.UTF_8),
                        Duration.ofSeconds(30));

        assertThat(output).isEqualTo(new PluginRunner.Output(3, "ADD {}\n", "warn\n"));
        readers.shutdownNow();
    }

    private JsonNode input(String call) {
        return inputs.getOrDefault(call, MissingNode.getInstance());
    }

    private Path script(String body) throws IOException {
        Path program = programs.resolve("script");
        Files.writeString(program, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return program;
    }

    private CniChain chain(String list) throws CniException {
        PluginRunner runner = (program, environment, input, deadline) -> {
            String call = environment.get("CNI_COMMAND") + " " + program.getFileName();
            calls.add(call);
            inputs.put(call, JSON.readTree(input));
            PluginRunner.Output answer = answers.get(call);
            return answer != null ? answer : ok("{}");
        };
        return new CniChain(
                CniNetworkList.parse("test", list.getBytes(StandardCharsets.UTF_8)),
                List.of(programs),
                runner,
                Duration.ofSeconds(5));
    }

    private static PluginRunner.Output ok(String stdout) {
        return new PluginRunner.Output(0, stdout, "");
    }
}
