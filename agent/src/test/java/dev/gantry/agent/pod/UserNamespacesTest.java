package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserNamespacesTest {
    private static final IdRanges THREE = new IdRanges(131_072, 65_536, 3);

    @TempDir
    Path pods;

    @Test
    void everyPodHasItsOwnUntilItIsGone() throws IOException {
        UserNamespaces users = UserNamespaces.open(pods, THREE);

        assertThat(users.allocate("a")).isEqualTo(new IdRange(131_072, 65_536));
        assertThat(users.allocate("b")).isEqualTo(new IdRange(196_608, 65_536));
        assertThat(users.allocate("a")).isEqualTo(users.of("a").orElseThrow());
        users.release("a");

        assertThat(users.of("a")).isEmpty();
        assertThat(users.allocate("c")).isEqualTo(new IdRange(131_072, 65_536));
    }

    @Test
    void theNextAgentGivesNothingOutTwice() throws IOException {
        UserNamespaces before = UserNamespaces.open(pods, THREE);
        before.allocate("a");
        IdRange second = before.allocate("b");

        UserNamespaces after = UserNamespaces.open(pods, THREE);

        assertThat(after.of("b")).contains(second);
        assertThat(after.allocate("c").first()).isEqualTo(262_144);
        assertThat(pods.resolve("b/userns"))
                .hasContent("{\"uidMappings\":[{\"hostId\":196608,\"containerId\":0,\"length\":65536}],"
                        + "\"gidMappings\":[{\"hostId\":196608,\"containerId\":0,\"length\":65536}]}\n");
    }

    @Test
    void rangesOfAnotherConfigurationBlockWhatTheyOverlap() throws IOException {
        UserNamespaces.open(pods, new IdRanges(196_608 - 10, 131_072, 1)).allocate("old");

        UserNamespaces users = UserNamespaces.open(pods, new IdRanges(131_072, 65_536, 4));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> {
                    users.allocate("a");
                    users.allocate("b");
                })
                .withMessage("give pod b users of its own: all 4 ranges of ids are taken; give the user 'kubelet' more"
                        + " in /etc/subuid and /etc/subgid");
        assertThat(users.of("a").orElseThrow().first()).isEqualTo(327_680);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{", "{}", "{\"uidMappings\":[{\"hostId\":0,\"containerId\":0,\"length\":65536}]}"})
    void aRecordThatCannotBeReadIsNotGuessed(String content) throws IOException {
        Files.createDirectories(pods.resolve("a"));
        Files.writeString(pods.resolve("a/userns"), content);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> UserNamespaces.open(pods, THREE))
                .withMessageContaining(pods.resolve("a/userns").toString())
                .withMessageContaining("remove the file");
    }

    @Test
    void theAdministratorsRangeIsTaken() throws IOException {
        String file = "# users\nroot:100000:65536\nkubelet:200000:200000\n";

        assertThat(IdRanges.of(file, file, 65_536, 110)).isEqualTo(new IdRanges(200_000, 65_536, 3));
        assertThat(IdRanges.of("", "", 65_536, 110)).isEqualTo(IdRanges.DEFAULT);
        assertThat(IdRanges.of("", "", 1 << 30, 110)).isEqualTo(new IdRanges(65_536, 1 << 30, 3));
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> IdRanges.of(file, "", 65_536, 110))
                .withMessageContaining("exactly one range, the same in both files");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> IdRanges.of("kubelet:200000:1", "kubelet:200000:1", 65_536, 110))
                .withMessageContaining("at least 65536 ids");
    }
}
