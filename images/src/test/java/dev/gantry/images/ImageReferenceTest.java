package dev.gantry.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReferenceTest {
    private static final String SHA = "sha256:" + "a1".repeat(32);

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "busybox, docker.io/library/busybox:latest",
        "busybox:1.36, docker.io/library/busybox:1.36",
        "docker.io/busybox, docker.io/library/busybox:latest",
        "index.docker.io/library/busybox:1, docker.io/library/busybox:1",
        "grafana/grafana, docker.io/grafana/grafana:latest",
        "quay.io/a/b/c:v1, quay.io/a/b/c:v1",
        "localhost/x, localhost/x:latest",
        "localhost:5000/x:y, localhost:5000/x:y",
        "host:5000/x, host:5000/x:latest",
        "127.0.0.1:5000/x, 127.0.0.1:5000/x:latest",
        "[::1]:5000/x, [::1]:5000/x:latest",
        "Upper/x, Upper/x:latest",
        "a__b/c-d.e_f, docker.io/a__b/c-d.e_f:latest",
        "a--b:_T.1-2, docker.io/library/a--b:_T.1-2",
    })
    void shortNamesAreCompleted(String text, String full) {
        assertThat(ImageReference.parse(text)).hasToString(full);
        assertThat(ImageReference.parse(full)).isEqualTo(ImageReference.parse(text));
    }

    @Test
    void aDigestReplacesTheDefaultTagAndRulesBesideOne() {
        assertThat(ImageReference.parse("busybox@" + SHA)).hasToString("docker.io/library/busybox@" + SHA);
        ImageReference both = ImageReference.parse("quay.io/a/b:1@" + SHA);

        assertThat(both).hasToString("quay.io/a/b:1@" + SHA);
        assertThat(both.target()).isEqualTo(SHA);
        assertThat(both.tagged()).contains("quay.io/a/b:1");
    }

    @Test
    void sha512IsADigestToo() {
        String digest = "sha512:" + "0f".repeat(64);

        assertThat(ImageReference.parse("x@" + digest).digest()).contains(Digest.parse(digest));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " busybox",
                "busybox ",
                "Busybox",
                "a/B",
                "a//b",
                "/a",
                "a/",
                "a:",
                "a:-x",
                "a:.x",
                "a:b:c",
                "a/b:c/d",
                "a@",
                "a@sha256:12",
                "a@sha256:ABCDEF",
                "a@md5:aa",
                "a___b",
                "a..b",
                "-a",
                "a_",
                "host:0/x",
                "host:99999/x",
                "host:abc/x",
                "ho_st.x/y",
                "a\nb",
                "../x",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            })
    void whatTheGrammarDoesNotKnowIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ImageReference.parse(text))
                .withMessageStartingWith("image name '");
    }

    @Test
    void lengthsAreBounded() {
        assertThatIllegalArgumentException().isThrownBy(() -> ImageReference.parse("a".repeat(256)));
        assertThatIllegalArgumentException().isThrownBy(() -> ImageReference.parse("a:" + "b".repeat(129)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ImageReference.parse("x".repeat(100_000)))
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(400));
    }

    @Test
    void theFamiliarFormIsTheShortestThatMeansTheSame() {
        assertThat(ImageReference.parse("docker.io/library/busybox:1").familiar())
                .isEqualTo("busybox:1");
        assertThat(ImageReference.parse("docker.io/a/b:1").familiar()).isEqualTo("a/b:1");
        assertThat(ImageReference.parse("quay.io/a/b:1").familiar()).isEqualTo("quay.io/a/b:1");
    }
}
