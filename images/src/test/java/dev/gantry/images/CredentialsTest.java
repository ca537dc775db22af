package dev.gantry.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gantry.images.Credentials.Kind;
import org.junit.jupiter.api.Test;

class CredentialsTest {
    @Test
    void authIsUserAndPasswordAndWinsOverThem() {
        Credentials credentials = Credentials.of("x", "y", "dXNlcjpwYTpzcw==", "", "");

        assertThat(credentials).isEqualTo(Credentials.password("user", "pa:ss"));
    }

    @Test
    void tokensWinOverPasswords() {
        assertThat(Credentials.of("u", "p", "", "id", "").kind()).isEqualTo(Kind.IDENTITY_TOKEN);
        assertThat(Credentials.of("u", "p", "", "id", "reg").kind()).isEqualTo(Kind.REGISTRY_TOKEN);
        assertThat(Credentials.password("<token>", "t")).isEqualTo(Credentials.identityToken("t"));
        assertThat(Credentials.of("", "", "", "", "").isAnonymous()).isTrue();
    }

    @Test
    void theTextShowsNoSecret() {
        assertThat(Credentials.password("user", "s3cret").toString())
                .contains("user")
                .doesNotContain("s3cret");
        assertThat(Credentials.identityToken("s3cret").toString()).doesNotContain("s3cret");
    }

    @Test
    void authThatIsNoneIsRefusedWithoutShowingIt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Credentials.of("", "", "%%%s3cret", "", ""))
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("s3cret"));
        assertThatIllegalArgumentException().isThrownBy(() -> Credentials.of("", "", "dXNlcg==", "", ""));
    }
}
