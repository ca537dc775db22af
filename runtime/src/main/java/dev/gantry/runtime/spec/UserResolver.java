package dev.gantry.runtime.spec;

import dev.gantry.linux.RawName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who a container runs as, from the request and the image's own account files.
 *
 * <p>A word of digits is a number, never a name, and a number out of range is an error: an image must not talk its way
 * around {@code runAsNonRoot} with {@code USER 4294967296}.
 */
public final class UserResolver {
    /** The largest id that Kubernetes accepts. */
    static final long MAX_ID = Integer.MAX_VALUE;

    /** An image with a huge account file must not fill our memory. */
    private static final int MAX_FILE_BYTES = 1 << 20;

    private UserResolver() {}

    /**
     * What CRI asks for.
     *
     * @param user empty: see {@code username}
     * @param group only together with a user
     * @param username empty: the image's user
     * @param strictGroups whether the image's group memberships are left out
     */
    public record Request(
            OptionalLong user,
            OptionalLong group,
            String username,
            List<Long> supplementalGroups,
            boolean strictGroups) {
        public Request {
            supplementalGroups = List.copyOf(supplementalGroups);
        }
    }

    private record Account(String name, int uid, int gid, String home) {}

    /**
     * Decides user, groups and home.
     *
     * @param imageUser {@code user[:group]} of the image's configuration, or empty
     */
    public static ContainerUser resolve(Request request, String imageUser, ImageFiles files)
            throws SpecException, IOException {
        if (request.group().isPresent()
                && request.user().isEmpty()
                && request.username().isEmpty()) {
            throw SpecException.invalid(
                    "run_as_group %d: needs run_as_user or run_as_username too",
                    request.group().getAsLong());
        }
        String user = imageUser;
        String group = "";
        if (request.user().isPresent()) {
            user = Integer.toString(id("run_as_user", request.user().getAsLong()));
        } else if (!request.username().isEmpty()) {
            user = request.username();
        } else {
            int colon = imageUser.indexOf(':');
            if (colon >= 0) {
                user = imageUser.substring(0, colon);
                group = imageUser.substring(colon + 1);
            }
        }

        Account account = account(user, request, files);
        int gid = account.gid;
        if (request.group().isPresent()) {
            gid = id("run_as_group", request.group().getAsLong());
        } else if (!group.isEmpty()) {
            gid = groupId(group, files);
        }
        return new ContainerUser(account.uid, gid, groups(request, account, gid, files), account.home);
    }

    private static Account account(String user, Request request, ImageFiles files) throws SpecException, IOException {
        if (user.isEmpty()) {
            return account(files, a -> a.uid == 0).orElse(new Account("root", 0, 0, "/"));
        }
        if (isNumber(user)) {
            int uid = number("user", user);
            return account(files, a -> a.uid == uid).orElse(new Account("", uid, 0, "/"));
        }
        String origin = request.username().isEmpty() ? "image user" : "run_as_username";
        return account(files, a -> a.name.equals(user))
                .orElseThrow(
                        () -> SpecException.invalid("%s '%s': no such name in the image's /etc/passwd", origin, user));
    }

    private static Optional<Account> account(ImageFiles files, Predicate<Account> wanted) throws IOException {
        for (String line : lines(files, "/etc/passwd")) {
            // name:password:uid:gid:comment:home:shell, passwd(5)
            String[] fields = line.split(":", -1);
            if (fields.length < 4 || fields[0].isEmpty() || !isId(fields[2]) || !isId(fields[3])) {
                continue;
            }
            String home = fields.length > 5 && fields[5].startsWith("/") ? fields[5] : "/";
            Account account = new Account(fields[0], Integer.parseInt(fields[2]), Integer.parseInt(fields[3]), home);
            if (wanted.test(account)) {
                return Optional.of(account);
            }
        }
        return Optional.empty();
    }

    private static int groupId(String group, ImageFiles files) throws SpecException, IOException {
        if (isNumber(group)) {
            return number("group", group);
        }
        for (String line : lines(files, "/etc/group")) {
            String[] fields = line.split(":", -1);
            if (fields.length >= 3 && fields[0].equals(group) && isId(fields[2])) {
                return Integer.parseInt(fields[2]);
            }
        }
        throw SpecException.invalid("image group '%s': no such name in the image's /etc/group", group);
    }

    private static List<Integer> groups(Request request, Account account, int gid, ImageFiles files)
            throws SpecException, IOException {
        Set<Integer> groups = new LinkedHashSet<>();
        groups.add(gid);
        for (long group : request.supplementalGroups()) {
            groups.add(id("supplemental_groups", group));
        }
        if (!request.strictGroups() && !account.name.isEmpty()) {
            for (String line : lines(files, "/etc/group")) {
                // name:password:gid:member,member, group(5)
                String[] fields = line.split(":", -1);
                if (fields.length >= 4
                        && isId(fields[2])
                        && List.of(fields[3].split(",", -1)).contains(account.name)) {
                    groups.add(Integer.parseInt(fields[2]));
                }
            }
        }
        return new ArrayList<>(groups);
    }

    private static List<String> lines(ImageFiles files, String path) throws IOException {
        byte @Nullable [] content = files.read(path, MAX_FILE_BYTES).orElse(null);
        return content == null ? List.of() : List.of(RawName.decode(content).split("\n", -1));
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static boolean isId(String text) {
        return isNumber(text) && text.length() <= 10 && Long.parseLong(text) <= MAX_ID;
    }

    private static int number(String what, String digits) throws SpecException {
        if (!isId(digits)) {
            throw SpecException.invalid("image %s '%s': must be 0 to %d", what, digits, MAX_ID);
        }
        return Integer.parseInt(digits);
    }

    private static int id(String field, long value) throws SpecException {
        if (value < 0 || value > MAX_ID) {
            throw SpecException.invalid("%s %d: must be 0 to %d", field, value, MAX_ID);
        }
        return (int) value;
    }
}
