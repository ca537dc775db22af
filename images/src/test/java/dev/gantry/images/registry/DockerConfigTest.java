package dev.gantry.images.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageReference;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DockerConfigTest {
    private static DockerConfig parse(String json) throws Exception {
        return DockerConfig.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), "config.json");
    }

    @ParameterizedTest(name = "{0} for {1}: {2}")
    @CsvSource({
        "https://index.docker.io/v1/, busybox, true",
        "docker.io, busybox, true",
        "index.docker.io, a/b, true",
        "quay.io, busybox, false",
        "quay.io, quay.io/a/b, true",
        "https://quay.io, quay.io/a/b, true",
        "quay.io/v2/, quay.io/a/b, true",
        "quay.io/a, quay.io/a/b, true",
        "quay.io/a, quay.io/ab/c, false",
        "quay.io/a/b, quay.io/a/b, true",
        "quay.io, quay.io:444/a, false",
        "localhost:5000, localhost:5000/a, true",
        "*.example.com, reg.example.com/a, true",
        "*.example.com, example.com/a, false",
        "*.example.com, a.b.example.com/a, false",
        "r*g.example.com, reg.example.com/a, true",
        "*.example.com:5000, reg.example.com:5000/a, true",
        "*.example.com, reg.example.com:5000/a, false",
    })
    void keysMatchHostsAndPaths(String key, String image, boolean matches) throws Exception {
        DockerConfig config = parse("{'auths':{'" + key + "':{'username':'u','password':'p'}}}");

        assertThat(config.matches(ImageReference.parse(image)).isEmpty()).isNotEqualTo(matches);
    }

    @Test
    void theLongestKeyComesFirst() throws Exception {
        DockerConfig config = parse("{'auths':{'q.io':{'username':'a','password':'p'},"
                + "'q.io/x/y':{'username':'c','password':'p'},'https://q.io/x':{'username':'b','password':'p'}}}");

        assertThat(config.matches(ImageReference.parse("q.io/x/y")))
                .extracting(Credentials::username)
                .containsExactly("c", "b", "a");
    }

    @Test
    void helpersAreKnownByHostAndEmptyEntriesAreNone() throws Exception {
        DockerConfig config = parse("{'auths':{'q.io':{}},'credHelpers':{'q.io':'pass'},'credsStore':'desktop'}");

        assertThat(config.matches(ImageReference.parse("q.io/x"))).isEmpty();
        assertThat(config.helper(ImageReference.parse("q.io/x"))).contains(Map.entry("pass", "q.io"));
        assertThat(config.helper(ImageReference.parse("busybox")))
                .contains(Map.entry("desktop", "https://index.docker.io/v1/"));
    }

    @Test
    void theOldFormIsTheInnerMap() throws Exception {
        DockerConfig config = parse("{'q.io':{'auth':'dTpw','email':'x'}}");

        assertThat(config.matches(ImageReference.parse("q.io/x"))).isEqualTo(List.of(Credentials.password("u", "p")));
    }
}
