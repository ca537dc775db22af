package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.SecurityProfile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Which AppArmor profile a container gets. */
final class AppArmorProfiles {
    private static final String LOCALHOST = "localhost/";

    private AppArmorProfiles() {}

    /**
     * The profile's name; empty if the container is unconfined.
     *
     * @throws SpecException if one is asked for by name that is not loaded, or cannot be enforced here
     */
    static Optional<String> of(
            LinuxContainerSecurityContext context,
            boolean privileged,
            boolean enabled,
            HostFiles host,
            List<String> notices)
            throws SpecException, IOException {
        SecurityProfile asked = asked(context);
        return switch (asked.getProfileType()) {
            case Localhost -> Optional.of(loaded(asked.getLocalhostRef(), enabled, host));
            case RuntimeDefault -> {
                // Privileged containers are not confined by what they did not name.
                Optional<String> profile = enabled && !privileged ? host.defaultAppArmorProfile() : Optional.empty();
                if (enabled && !privileged && profile.isEmpty()) {
                    notices.add("AppArmor: there is no default profile, the container runs unconfined by it");
                }
                yield profile;
            }
            case Unconfined -> Optional.empty();
            case UNRECOGNIZED ->
                throw SpecException.invalid("apparmor: unknown profile type %d", asked.getProfileTypeValue());
        };
    }

    /** The field that clients before Kubernetes 1.30 set counts where there is no other. */
    @SuppressWarnings("deprecation")
    private static SecurityProfile asked(LinuxContainerSecurityContext context) throws SpecException {
        if (context.hasApparmor()) {
            return context.getApparmor();
        }
        String old = context.getApparmorProfile();
        SecurityProfile.Builder profile = SecurityProfile.newBuilder();
        return switch (old) {
            case "unconfined" ->
                profile.setProfileType(SecurityProfile.ProfileType.Unconfined).build();
            case "", "runtime/default" ->
                profile.setProfileType(SecurityProfile.ProfileType.RuntimeDefault)
                        .build();
            default -> {
                if (!old.startsWith(LOCALHOST)) {
                    throw SpecException.invalid("apparmor_profile '%s': not a kind of profile", old);
                }
                yield profile.setProfileType(SecurityProfile.ProfileType.Localhost)
                        .setLocalhostRef(old)
                        .build();
            }
        };
    }

    private static String loaded(String reference, boolean enabled, HostFiles host) throws SpecException, IOException {
        String name = reference.startsWith(LOCALHOST) ? reference.substring(LOCALHOST.length()) : reference;
        if (name.isEmpty()) {
            throw SpecException.invalid("apparmor: localhost_ref is empty");
        }
        if (!enabled) {
            throw SpecException.unsupported(
                    "apparmor: profile '%s' cannot be enforced, AppArmor is not enabled on this machine", name);
        }
        Optional<Set<String>> known = host.appArmorProfiles();
        if (known.isPresent() && !known.get().contains(name)) {
            throw SpecException.invalid(
                    "apparmor: profile '%s' is not loaded: apparmor_parser loads it from a file", name);
        }
        return name;
    }
}
