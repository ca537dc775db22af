package dev.gantry.runtime.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UserResolverTest {
    private static final Map<String, String> FILES = Map.of("/etc/passwd", """
            root:x:0:0:root:/root:/bin/sh
            broken line
            web:x:1000:1001:web:/home/web:/bin/sh
            0:x:77:77:a name of digits:/trap:/bin/sh
            huge:x:4294967296:0::/:/bin/sh
            """, "/etc/group", """
            root:x:0:
            web:x:1001:
            logs:x:4000:nobody,web
            wheel:x:10:root
            """);

    private static Optional<byte[]> read(String path, int maxBytes) {
        return Optional.ofNullable(FILES.get(path)).map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    private static UserResolver.Request request(String user, String group, String name, boolean strict) {
        return new UserResolver.Request(number(user), number(group), name, List.of(5000L), strict);
    }

    private static OptionalLong number(String text) {
        return text.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(text));
    }

    @ParameterizedTest(name = "user {0} group {1} name {2} image {3} strict {4}: {5}")
    @CsvSource({
        "'', '', '', '', false, 0:0 0+5000+10 /root",
        "'', '', '', web, false, 1000:1001 1001+5000+4000 /home/web",
        "'', '', '', web, true, 1000:1001 1001+5000 /home/web",
        "'', '', '', web:logs, false, 1000:4000 4000+5000 /home/web",
        "'', '', '', 1000, false, 1000:1001 1001+5000+4000 /home/web",
        "'', '', '', 1000:7, false, 1000:7 7+5000+4000 /home/web",
        "'', '', '', 4242, false, 4242:0 0+5000 /",
        "'', '', '', 4242:4242, false, 4242:4242 4242+5000 /",
        "'', '', '', '1000:', false, 1000:1001 1001+5000+4000 /home/web",
        "'', '', '', 0, false, 0:0 0+5000+10 /root",
        "1000, '', '', 0:0, false, 1000:1001 1001+5000+4000 /home/web",
        "1000, 55, '', '', false, 1000:55 55+5000+4000 /home/web",
        "77, '', '', '', false, 77:77 77+5000 /trap",
        "'', '', web, '', false, 1000:1001 1001+5000+4000 /home/web",
        "'', 9, web, '', false, 1000:9 9+5000+4000 /home/web",
    })
    void theUserIsTheRequestsOrElseTheImages(
            String user, String group, String name, String image, boolean strict, String expected) throws Exception {
        ContainerUser resolved =
                UserResolver.resolve(request(user, group, name, strict), image, UserResolverTest::read);

        String groups =
                String.join("+", resolved.groups().stream().map(String::valueOf).toList());
        assertThat("%d:%d %s %s".formatted(resolved.uid(), resolved.gid(), groups, resolved.home()))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "4294967296",
                "4294967295",
                "2147483648",
                "99999999999999999999",
                "+0",
                "0x0",
                "-1",
                "huge",
                "nobody",
                "web:none",
                "web:4294967296",
                "1000:-1"
            })
    void anImageUserThatIsNoneIsRefused(String image) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> UserResolver.resolve(request("", "", "", false), image, UserResolverTest::read));
    }

    @Test
    void aGroupAloneIsRefused() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> UserResolver.resolve(request("", "5", "", false), "", UserResolverTest::read))
                .withMessage("run_as_group 5: needs run_as_user or run_as_username too");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "2147483648", "4294967296"})
    void aNumberOutOfRangeIsRefused(String user) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> UserResolver.resolve(request(user, "", "", false), "", UserResolverTest::read))
                .withMessage("run_as_user %s: must be 0 to 2147483647", user);
    }

    @Test
    void aHugeAccountFileIsNotRead() {
        ImageFiles huge = (path, maxBytes) -> {
            throw new IOException(path + " is larger than " + maxBytes);
        };

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> UserResolver.resolve(request("", "", "", false), "", huge))
                .withMessage("/etc/passwd is larger than 1048576");
    }

    @Test
    void anImageWithoutAccountFilesHasRootAndNumbers() throws Exception {
        ImageFiles none = (path, maxBytes) -> Optional.empty();

        assertThat(UserResolver.resolve(request("", "", "", false), "", none).uid())
                .isZero();
        assertThat(UserResolver.resolve(request("", "", "", false), "12:34", none)
                        .gid())
                .isEqualTo(34);
        assertThat(Arrays.asList(0, 5000))
                .isEqualTo(UserResolver.resolve(request("", "", "", false), "", none)
                        .groups());
    }
}
