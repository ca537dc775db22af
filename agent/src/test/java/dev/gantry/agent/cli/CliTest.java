package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CliTest {
    @TempDir
    Path directory;

    private final CommandLine line = new CommandLine(false);

    static Stream<String> paths() {
        return Commands.PATHS.stream();
    }

    @ParameterizedTest(name = "gantry {0} --help")
    @MethodSource("paths")
    void everyCommandHasHelpWithExamples(String path) {
        String[] words = (path + " --help").split(" ", -1);

        assertThat(line.run(words)).isZero();
        assertThat(line.out())
                .contains("Examples:\n  # ")
                .contains("  gantry " + path)
                .contains("--root DIR")
                .contains("Usage:\n  gantry " + path)
                .doesNotContain("\u001b");
        assertThat(line.out().lines().filter(text -> text.length() > 130)).isEmpty();
        assertThat(line.err()).isEmpty();
    }

    @Test
    void optionsStandBeforeTheCommandOfAContainer() {
        line.run("exec", "--help");
        assertThat(line.out()).endsWith("  gantry exec POD [-c CONTAINER] [options] -- COMMAND [ARGUMENT...]\n");
        line.run("debug", "--help");
        assertThat(line.out()).endsWith("  gantry debug POD --image IMAGE [options] [-- COMMAND [ARGUMENT...]]\n");
    }

    @Test
    void everyCommandIsInTheOverview() {
        assertThat(line.run("--help")).isZero();
        for (String word : Commands.firstWords()) {
            assertThat(line.out()).contains("\n  " + word + " ");
            assertThat(Commands.summary(word)).isNotEmpty();
        }
    }

    @Test
    void withoutAnyWordTheOverviewIsAnError() {
        assertThat(line.run()).isEqualTo(1);
        assertThat(line.out()).startsWith("Gantry runs Kubernetes pods");
    }

    @Test
    void helpIsAlsoAFirstWord() {
        assertThat(line.run("help", "image", "pull")).isZero();
        assertThat(line.out()).contains("gantry image pull NAME...");
    }

    @ParameterizedTest(name = "{0} means {1}")
    @CsvSource({"gte, get", "desribe, describe", "log, logs", "imgae, image", "comp, completion", "excec, exec"})
    void aMistypedCommandIsGuessed(String word, String meant) {
        assertThat(line.run(word)).isEqualTo(1);
        assertThat(line.err())
                .isEqualTo("error: unknown command \"" + word + "\" for \"gantry\"\n\nDid you mean this?\n\tgantry "
                        + meant + "\n\nRun \"gantry --help\" for the list of commands.\n");
    }

    @Test
    void aWordThatIsNothingLikeACommandIsNotGuessed() {
        assertThat(line.run("frobnicate")).isEqualTo(1);
        assertThat(line.err()).doesNotContain("Did you mean");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "logs --folow web, unknown option --folow; did you mean --follow?",
        "logs, the pod's name is missing",
        "logs web --tail many, '--tail takes a whole number of at least 0, not ''many'''",
        "logs web --since soon, '--since takes a duration like 30s, 5m or 1h30m, not ''soon'''",
        "logs web --tail, --tail needs a value: --tail LINES",
        "logs web -z, unknown option -z",
        "get, 'say what to list: pods, events or nodes'",
        "get podz, 'there is no resource type \"podz\"; did you mean pods?'",
        "get pods -o xml, '--output takes wide, json, yaml or name, not ''xml'''",
        "get pods -A web, 'a name belongs to one namespace: leave out -A, or give -n'",
        "exec web, the command is missing: gantry exec web -- COMMAND",
        "exec web ls, put -- before the command: gantry exec web -- ls",
        "get pods node/a, '''node/a'' is not one of the pods: ask for one kind at a time'",
        "describe, 'say what to describe: a pod''s name, pods or node'",
        "events --types Odd, '--types takes Normal or Warning, not ''Odd'''",
        "delete, the pod's name is missing",
        "delete pod, the pod's name is missing",
        "delete web -A, '--all-namespaces goes with --all, and with no name'",
        "delete web --all -A, '--all-namespaces goes with --all, and with no name'",
        "restart, 'say what to restart: gantry restart pod NAME, or gantry restart container POD/NAME'",
        "restart web, 'say what to restart: gantry restart pod NAME, or gantry restart container POD/NAME'",
        "restart pod, the pod's name is missing",
        "restart container web, 'expected POD/NAME, found ''web'''",
        "debug web, the image is missing: gantry debug web --image IMAGE",
        "delete web --now --grace-period 3, give either --grace-period or --now",
        "run, say which manifest: -f FILE",
        "run -f a -f b, 'give one manifest: it may hold several pods, with --- between them'",
        "run -f x --rm=maybe, '--rm takes true or false, not ''maybe'''",
        "completion csh, 'there is no completion for ''csh''; known are bash, zsh and fish'",
        "agent now, unexpected 'now'",
        "runtime --listen cri.sock, '--listen takes a socket like unix:///run/gantry/cri.sock, not ''cri.sock'''",
        "get pods --watch=perhaps, '--watch=perhaps: --watch is a switch, it takes only true or false'",
    })
    void mistakesInWordsAreTold(String words, String message) {
        assertThat(line.run(words.split(" ", -1))).isEqualTo(1);
        assertThat(line.err()).startsWith("error: " + message + "\nusage: gantry ");
        assertThat(line.out()).isEmpty();
    }

    @Test
    void withoutAnAgentTheRemedyIsNamed() {
        assertThat(line.run("--root", directory.toString(), "get", "pods")).isEqualTo(1);
        assertThat(line.err())
                .isEqualTo("error: no agent answers at " + directory
                        + "/run/gantry.sock\nstart one with `gantry agent --root " + directory
                        + "` or `systemctl start gantry`\n");
    }

    @Test
    void theRootMayStandBeforeOrAfterTheCommand() {
        line.run("--root=" + directory, "image", "ls");
        line.run("image", "ls", "--root", directory.toString());

        assertThat(line.node.calls)
                .containsExactly(
                        "images " + directory + "/lib/images",
                        "closed",
                        "images " + directory + "/lib/images",
                        "closed");
    }

    @Test
    void theAgentGetsItsFlags() {
        assertThat(line.run(
                        "agent",
                        "--root",
                        directory.toString(),
                        "--pod-cidr=10.1.0.0/16",
                        "-v4",
                        "--cluster-dns",
                        "10.0.0.1",
                        "--cluster-dns",
                        "10.0.0.2"))
                .isZero();

        assertThat(line.node.calls).containsExactly("agent " + directory);
        assertThat(line.node.flags)
                .isEqualTo(Map.of("pod-cidr", "10.1.0.0/16", "v", "4", "cluster-dns", "10.0.0.1,10.0.0.2"));
    }

    @Test
    void theRuntimeAloneListensWhereItIsToldOrBelowTheRoot() {
        String root = directory.toString();
        assertThat(line.run("runtime", "--root", root, "--listen", "unix:///run/a/cri.sock", "--pod-cidr=10.1.0.0/16"))
                .isZero();
        assertThat(line.node.flags).isEqualTo(Map.of("pod-cidr", "10.1.0.0/16"));
        assertThat(line.run("runtime", "--root", root)).isZero();

        assertThat(line.node.calls)
                .containsExactly(
                        "runtime " + root + " /run/a/cri.sock", "runtime " + root + " " + root + "/run/cri.sock");
    }

    @Test
    void aPullWithoutAnAgentOpensTheStore() {
        assertThat(line.run("image", "pull", "busybox", "--root", directory.toString()))
                .isZero();
        assertThat(line.out()).isEqualTo("""
                        busybox: resolving
                        busybox: fetching, 2.20MB in 1 layers
                        docker.io/library/busybox:latest  sha256:abababababab  4.27MB
                        """);
        assertThat(line.node.calls).containsSubsequence("pull busybox", "closed");
    }

    @Test
    void onATerminalAPullIsATableThatIsRedrawnAndTakenAway() {
        CommandLine terminal = new CommandLine(true);

        assertThat(terminal.run("image", "pull", "busybox", "--root", directory.toString()))
                .isZero();
        assertThat(terminal.out())
                .startsWith("busybox: resolving\u001b[K\n\u001b[J" + "\r\u001b[1Abusybox: fetching, 1B/2.20MB, 0B/s")
                .contains("\r\u001b[1A\u001b[J" + "docker.io/library/busybox:latest");
    }

    @Test
    void aFailedLoadIsTold() throws Exception {
        Path archive = Files.writeString(directory.resolve("x.tar"), "");

        assertThat(line.run("image", "load", archive.toString(), "--root", directory.toString()))
                .isEqualTo(1);
        assertThat(line.err()).isEqualTo("Error from server (Invalid): no index.json in it\n");
        assertThat(line.run("image", "load", "/nowhere")).isEqualTo(1);
        assertThat(line.err()).isEqualTo("error: there is no file or directory /nowhere\n");
    }

    @Test
    void imagesAreListedWithNamesAndSizes() {
        assertThat(line.run("image", "ls", "--root", directory.toString())).isZero();
        assertThat(line.out()).startsWith("IMAGE                       TAG      IMAGE ID       LOADED ");
        assertThat(line.out())
                .contains("docker.io/library/busybox   latest   abababababab")
                .contains("4.27MB");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh", "fish"})
    void completionKnowsEveryCommandAndOption(String shell) {
        assertThat(line.run("completion", shell)).isZero();
        for (String word : Commands.firstWords()) {
            assertThat(line.out()).contains(word);
        }
        assertThat(line.out()).contains("timestamps").contains("grace-period");
    }

    @Test
    void theBashCompletionIsValidBash() throws Exception {
        line.run("completion", "bash");
        Path script = Files.writeString(
                directory.resolve("gantry.bash"),
                line.out()
                        + "\nCOMP_WORDS=(gantry log); COMP_CWORD=1; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "COMP_WORDS=(gantry image p); COMP_CWORD=2; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "COMP_WORDS=(gantry get n); COMP_CWORD=2; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "gantry() { [ \"$*\" = '--root /x get pods -n shop -o name' ] && echo pod/web; }\n"
                        + "COMP_WORDS=(gantry --root /x -n shop get pods ''); COMP_CWORD=7; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "gantry() { [ \"$*\" = 'get nodes -o name' ] && echo node/vm; }\n"
                        + "COMP_WORDS=(gantry get nodes ''); COMP_CWORD=3; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "gantry() { [ \"$*\" = 'get pods -o name' ] && echo pod/web; }\n"
                        + "COMP_WORDS=(gantry logs -f ''); COMP_CWORD=3; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "COMP_WORDS=(gantry get pods -n ''); COMP_CWORD=4; COMPREPLY=(); _gantry; printf '%s\\n' \"[${COMPREPLY[@]}]\"\n"
                        + "COMP_WORDS=(gantry check -o ''); COMP_CWORD=3; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "COMP_WORDS=(gantry restart container ''); COMP_CWORD=3; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                        + "COMP_WORDS=(gantry logs --tim); COMP_CWORD=2; _gantry; printf '%s\\n' \"${COMPREPLY[@]}\"\n");

        Process bash = new ProcessBuilder("bash", script.toString())
                .redirectErrorStream(true)
                .start();

        assertThat(new String(bash.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
                .isEqualTo("logs\npull\nnodes\nweb\nvm\nweb\n[]\njson\nweb/\n--timestamps\n");
    }

    @Test
    void coloursAreForTerminalsOnly() {
        CommandLine terminal = new CommandLine(true);
        terminal.run("get", "--help");
        line.run("get", "--help");

        assertThat(terminal.out()).contains("\u001b[1mExamples:\u001b[0m");
        assertThat(line.out()).contains("Examples:").doesNotContain("\u001b");
    }

    @Test
    void optionsAreReadInAllTheirForms() throws Exception {
        CommandSpec spec = new ExecCommand().spec();

        Arguments arguments = Arguments.parse(
                spec, List.of("-it", "-cweb", "-n=prod", "pod", "--tty=false", "--", "sh", "-c", "exit 1"));

        assertThat(arguments.flag("stdin")).isTrue();
        assertThat(arguments.flag("tty")).isFalse();
        assertThat(arguments.value("container")).isEqualTo("web");
        assertThat(arguments.value("namespace")).isEqualTo("prod");
        assertThat(arguments.operands()).containsExactly("pod");
        assertThat(arguments.rest()).containsExactly("sh", "-c", "exit 1");
    }
}
