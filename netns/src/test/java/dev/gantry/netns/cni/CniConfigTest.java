package dev.gantry.netns.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CniConfigTest {
    @TempDir
    Path directory;

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{                                                       | f, line 1: not JSON: Unexpected end-of-input",
                "[]                                                      | f: a JSON object is expected",
                "{\"name\": \"a/b\", \"cniVersion\": \"1.0.0\", \"type\": \"x\"} | f: name 'a/b' must begin with",
                "{\"name\": \"a\", \"cniVersion\": \"1.0.0\", \"type\": \"../x\"} | f: type '../x' must be the name of a program",
                "{\"name\": \"a\", \"cniVersion\": \"1.0.0\", \"plugins\": []} | f: plugins is empty",
                "{\"name\": \"a\", \"cniVersion\": \"9.9\", \"type\": \"x\"} | f: cniVersion [9.9] is not spoken here",
                "{\"name\": \"a\", \"cniVersion\": \"1.0.0\", \"type\": \"x\", \"disableCheck\": \"no\"} | f: disableCheck must be true or false",
            })
    void whatCannotBeUsedIsNamed(String text, String message) {
        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> CniNetworkList.parse("f", text.getBytes(StandardCharsets.UTF_8))
                        .checked("f"))
                .withMessageStartingWith(message);
    }

    @Test
    void theNewestCommonVersionIsSpoken() throws CniException {
        CniNetworkList list = CniNetworkList.parse(
                "f",
                "{\"name\": \"a\", \"cniVersion\": \"0.3.1\", \"cniVersions\": [\"1.0.0\", \"2.0.0\"], \"type\": \"x\"}"
                        .getBytes(StandardCharsets.UTF_8));

        assertThat(list.version()).isEqualTo("1.0.0");
        assertThat(list.plugins()).hasSize(1);
    }

    @Test
    void theLexicallyFirstUsableListCounts() throws IOException {
        Files.writeString(directory.resolve("00-broken.conflist"), "{");
        Files.writeString(
                directory.resolve("20-b.conflist"), "{\"name\": \"b\", \"cniVersion\": \"1.0.0\", \"type\": \"x\"}");
        Files.writeString(
                directory.resolve("10-a.conf"), "{\"name\": \"a\", \"cniVersion\": \"1.0.0\", \"type\": \"x\"}");
        Files.writeString(directory.resolve("05-notes.txt"), "not a list");

        CniConfigDirectory.Content content = new CniConfigDirectory(directory).read();

        assertThat(content.network()).map(CniNetworkList::name).contains("a");
        assertThat(content.problems()).singleElement().asString().contains("00-broken.conflist, line 1: not JSON");
    }

    @Test
    void aListThatCannotBeReadAnyMoreCountsAsItWas() throws IOException {
        Path first = Files.writeString(
                directory.resolve("10-a.conflist"), "{\"name\": \"a\", \"cniVersion\": \"1.0.0\", \"type\": \"x\"}");
        Files.writeString(
                directory.resolve("20-b.conflist"), "{\"name\": \"b\", \"cniVersion\": \"1.0.0\", \"type\": \"x\"}");
        CniConfigDirectory configurations = new CniConfigDirectory(directory);
        configurations.read();

        Files.writeString(first, "{\"name\": \"a\", ");

        CniConfigDirectory.Content half = configurations.read();
        assertThat(half.network()).map(CniNetworkList::name).contains("a");
        assertThat(half.problems()).singleElement().asString().contains("not JSON");
        Files.delete(first);
        assertThat(configurations.read().network()).map(CniNetworkList::name).contains("b");
    }

    @Test
    void pluginsOfTheNetworksDirectoryEndTheChain() throws IOException {
        Files.writeString(
                directory.resolve("10-a.conflist"),
                "{\"name\": \"a\", \"cniVersion\": \"1.1.0\", \"plugins\": [{\"type\": \"x\"}]}");
        Files.createDirectory(directory.resolve("a"));
        Files.writeString(directory.resolve("a/20-z.conf"), "{\"type\": \"z\"}");
        Files.writeString(directory.resolve("a/10-y.conf"), "{\"type\": \"y\"}");

        CniNetworkList list = new CniConfigDirectory(directory).read().network().orElseThrow();

        assertThat(list.plugins()).map(CniPlugin::type).containsExactly("x", "y", "z");
        // What a later DEL is told.
        assertThat(CniNetworkList.parse("cached", list.source().getBytes(StandardCharsets.UTF_8))
                        .plugins())
                .map(CniPlugin::type)
                .containsExactly("x", "y", "z");
    }

    @Test
    void aListMayForbidMorePlugins() throws IOException {
        Files.writeString(
                directory.resolve("10-a.conflist"),
                "{\"name\": \"a\", \"cniVersion\": \"1.1.0\", \"loadOnlyInlinedPlugins\": true, \"plugins\": [{\"type\": \"x\"}]}");
        Files.createDirectory(directory.resolve("a"));
        Files.writeString(directory.resolve("a/10-y.conf"), "{\"type\": \"y\"}");

        assertThat(new CniConfigDirectory(directory)
                        .read()
                        .network()
                        .orElseThrow()
                        .plugins())
                .map(CniPlugin::type)
                .containsExactly("x");
    }

    @Test
    void aMissingDirectoryIsAProblemAndNoNetwork() {
        CniConfigDirectory.Content content = new CniConfigDirectory(directory.resolve("none")).read();

        assertThat(content.network()).isEmpty();
        assertThat(content.problems()).containsExactly(directory.resolve("none") + ": no such directory");
    }

    @Test
    void anAttachmentIsReadBackAsItWasPut() throws IOException {
        CniCache cache = new CniCache(directory.resolve("results"));
        CniAttachment attachment = new CniAttachment(
                "c0ffee", "/proc/7/ns/net", "eth0", Map.of("A", "1"), Map.of("portMappings", "[{\"hostPort\":80}]"));
        var entry = new CniCache.Entry(attachment, "net", "{\"x\": 1}", new ObjectMapper().readTree("{\"ips\":[]}"));

        cache.put(entry);

        assertThat(cache.find("c0ffee")).contains(entry);
        Files.writeString(directory.resolve("results/half"), "{\"kind\": \"cniCacheV1\", \"cont");
        assertThat(cache.all()).containsExactly(entry);
        cache.remove("net", attachment);
        assertThat(cache.all()).isEmpty();
    }
}
