package dev.gantry.linux;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A program to start. Standard descriptors that are not given are /dev/null; all others of this process are closed in
 * the child.
 *
 * @param program path of the program, or empty if {@code programFd} is given
 * @param arguments including argv[0]
 * @param environment {@code NAME=value}; nothing is inherited
 * @param descriptors which of ours become which numbers of the child
 * @param newSession whether it becomes the leader of a session (and process group) of its own
 * @param workingDirectory null for that of the calling thread
 */
public record SpawnRequest(
        String program,
        @Nullable Fd programFd,
        List<String> arguments,
        List<String> environment,
        NavigableMap<Integer, Fd> descriptors,
        boolean newSession,
        @Nullable String workingDirectory) {

    public SpawnRequest {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
        descriptors = Collections.unmodifiableNavigableMap(new TreeMap<>(descriptors));
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("no argv[0] for " + program);
        }
    }

    public static Builder of(String program, String... arguments) {
        return new Builder(program, null).argument(program).arguments(List.of(arguments));
    }

    /** The program is an open file, e.g. a sealed memfd. */
    public static Builder of(Fd program, String argv0, String... arguments) {
        return new Builder("", program).argument(argv0).arguments(List.of(arguments));
    }

    /** Collects a request. */
    public static final class Builder {
        private final String program;
        private final @Nullable Fd programFd;
        private final List<String> arguments = new ArrayList<>();
        private final List<String> environment = new ArrayList<>();
        private final NavigableMap<Integer, Fd> descriptors = new TreeMap<>();
        private boolean newSession;
        private @Nullable String workingDirectory;

        private Builder(String program, @Nullable Fd programFd) {
            this.program = program;
            this.programFd = programFd;
        }

        public Builder argument(String argument) {
            arguments.add(argument);
            return this;
        }

        public Builder arguments(List<String> more) {
            arguments.addAll(more);
            return this;
        }

        /** One {@code NAME=value}. */
        public Builder environment(String assignment) {
            environment.add(assignment);
            return this;
        }

        /** Gives {@code source} to the child as number {@code target}. */
        public Builder descriptor(int target, Fd source) {
            if (target < 0) {
                throw new IllegalArgumentException("descriptor " + target);
            }
            descriptors.put(target, source);
            return this;
        }

        public Builder newSession() {
            newSession = true;
            return this;
        }

        public Builder workingDirectory(String directory) {
            workingDirectory = directory;
            return this;
        }

        public SpawnRequest build() {
            return new SpawnRequest(
                    program, programFd, arguments, environment, descriptors, newSession, workingDirectory);
        }
    }
}
