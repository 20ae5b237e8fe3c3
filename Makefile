# pnow: filters between PatientNow and Aesthetix CRM.
# "make help" lists what can be made. SAN=1 builds with ASan and UBSan, CC=clang with clang: each in a folder of its own. V=1 shows
# each command as it is run.

# The version, here alone. A new one begins a section of man/pnow-changes.7; make release tags its commit.
VERSION = 0.1
PREFIX ?= /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/pnow
EXAMPLEDIR = $(PREFIX)/share/doc/pnow/examples
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d

CLANG = $(findstring clang,$(notdir $(CC)))
BUILD = .build/$(if $(FUZZ),libfuzzer,$(if $(CLANG),clang-)$(if $(SAN),san,release))
BIN = $(BUILD)/bin

PACKAGES = libcurl json-c sqlite3 libmicrohttpd zlib
PACKAGES += $(shell for name in libbsd-overlay libmd; do pkg-config --exists $$name && echo $$name; done)
PACKAGES += $(if $(filter Linux,$(shell uname -s)),libseccomp)
# Built with, not linked: loaded by who needs them (lib/text/library.h).
LOADED = libpq libcrypto

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(CI),-Werror)
# What the compiler takes without a word, of these; asked when first needed.
takes = $(shell for option in $(1); do echo 'int main(void){return 0;}' | \
	$(CC) -O2 -Werror -include string.h $$option -x c -c -o /dev/null - 2>/dev/null && echo $$option; done)
HARDEN = $(eval HARDEN := $(call takes,-fstack-protector-strong -fstack-clash-protection -fcf-protection) -fPIE -U_FORTIFY_SOURCE \
	$(or $(call takes,-D_FORTIFY_SOURCE=3),-D_FORTIFY_SOURCE=2))$(HARDEN)
# clang sees more: numbers that lose something on their way into a smaller type, or their sign.
SANITIZE = address,undefined$(if $(CLANG),$(comma)implicit-conversion$(comma)local-bounds)$(if $(FUZZ),$(comma)fuzzer-no-link)
SANITIZED = $(if $(FUZZ),-O2,-O1) -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-pie
# Most of what a program does in the tests is to start and to end. Each of gcc's sanitizers that is shared has megabytes that the
# search for leaks reads, and what can be loaded anywhere has one to relocate: 25 ms of 60.
STATIC_SANITIZERS = $(if $(CLANG),,-static-libasan -static-libubsan)
OPTIMIZE = $(if $(SAN)$(FUZZ),$(SANITIZED),-O2 -g $(HARDEN))
comma = ,

CPPFLAGS += -D_GNU_SOURCE -Ilib -Icmd -DPNOW_VERSION='"$(VERSION)"'
# Asked when first needed, and kept: in "make deps demo" the packages are there only by then.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(LOADED)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lcsv -lunistring -lm)$(PACKAGE_LIBS)
ALL_CFLAGS = -std=c17 $(OPTIMIZE) $(WARN) $(CPPFLAGS) $(PACKAGE_CFLAGS) -MMD -MP -pthread $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(if $(SAN)$(FUZZ),-fsanitize=$(SANITIZE) $(STATIC_SANITIZERS) -no-pie,-pie -Wl,-z,relro,-z,now) $(LDFLAGS)

LIB_SOURCES := $(wildcard lib/*/*.c)
CMD_FILES := $(wildcard cmd/*.c)
CMD_FOLDERS := $(patsubst %/main.c,%,$(wildcard cmd/*/main.c))
COMMANDS := $(notdir $(CMD_FILES:.c=) $(CMD_FOLDERS))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZES := $(filter-out drive world,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
PAGES := $(wildcard man/*.[1-9])

LIBRARY = $(BUILD)/libpnow.a
PROGRAMS = $(addprefix $(BIN)/,$(COMMANDS))
UNIT_PROGRAMS = $(addprefix $(BUILD)/unit/,$(UNITS))
FUZZ_PROGRAMS = $(addprefix $(BUILD)/fuzz/,$(FUZZES))

object = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(PROGRAMS)

# What a rule does, in a line, instead of the command that does it.
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '%-5s %s\n' $(1) $@;)

# A change of flags rebuilds everything; the stamp is rewritten only when they differ.
$(BUILD)/flags: FORCE | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGE_LIBS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGE_LIBS)' > $@

# The profiles are looked for where they will be installed, then beside the program (lib/profiles, from a checkout). Another PREFIX
# rebuilds the file that looks for them, and no other.
$(BUILD)/lib/conf/profile.o: private CPPFLAGS += -DPNOW_DATADIR='"$(DATADIR)"'
$(BUILD)/lib/conf/profile.o: $(BUILD)/datadir
$(BUILD)/datadir: FORCE
	@mkdir -p $(@D)
	@echo '$(DATADIR)' | cmp -s - $@ || echo '$(DATADIR)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIBRARY): $(call object,$(LIB_SOURCES))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

# What a command has of others: their folders, but for their mains.
parts = $(filter-out %/main.c,$(wildcard $(patsubst %,cmd/%/*.c,$(1))))
PARTS_pnow-sync = $(call parts,pnow-enrich categorize crm-map pnow-push crm-push)

define command_rule
$(BIN)/$(1): $(2) $(LIBRARY)
	@mkdir -p $$(@D)
	$$(call say,LINK)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PACKAGE_LIBS)
endef
$(foreach f,$(CMD_FILES),$(eval $(call command_rule,$(basename $(notdir $(f))),$(call object,$(f) $(PARTS_$(basename $(notdir $(f))))))))
$(foreach d,$(CMD_FOLDERS),$(eval $(call command_rule,$(notdir $(d)),$(call object,$(wildcard $(d)/*.c)))))

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# A command's main under a name of its own, so that a fuzz target can call it: categorize_main.
$(BUILD)/main/%.o: $(BUILD)/cmd/%.o
	@mkdir -p $(@D)
	$(call say,COPY)objcopy --redefine-sym main=$(subst -,_,$(firstword $(subst /, ,$*)))_main $< $@

# A fuzz target runs in the world of tests/fuzz/world.c, whose functions stand in for these. libFuzzer drives it, or drive.c.
FUZZ_WORLD = access cache_expiry_begin conf_free conf_read err errx exit file_read http_close http_do http_open limits_open nanosleep profile_free profile_read record_loop say sqlite3_close sqlite3_open_v2 \
	stream_close stream_end stream_ended stream_flush stream_open stream_read stream_status stream_write warn warnx when_zone
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/world.o $(if $(FUZZ),,$(BUILD)/tests/fuzz/drive.o) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $(addprefix -Wl$(comma)--wrap=,$(FUZZ_WORLD)) -o $@ $(filter %.o,$^) $(LIBRARY) $(PACKAGE_LIBS)

# The commands that a target calls.
called = $(patsubst %,$(BUILD)/main/%.o,$(1)) $(call object,$(call parts,$(patsubst %/main,%,$(1))))
$(BUILD)/fuzz/filters: $(call called,categorize/main crm-map/main crm-push/main pnow-enrich/main)
$(BUILD)/fuzz/hook: $(call object,$(addprefix cmd/pnow-hook/,body.c framing.c httpd.c linger.c practices.c recorder.c request.c store.c verify.c workers.c))
$(BUILD)/fuzz/csv: $(call called,pnow-csv/main)
$(BUILD)/fuzz/push: $(call called,crm-push/main)
$(BUILD)/fuzz/enrich: $(call called,pnow-enrich/main)
$(BUILD)/fuzz/tagged: $(call called,pnow-push/main)

# Senders: one that does not give up, for the tests that kill, and a hostile crowd.
LOAD = $(BUILD)/crash/load
CROWD = $(BUILD)/crash/crowd
$(BUILD)/crash/%: $(BUILD)/tests/crash/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# What happens at a practice, when it is due.
HAPPEN = $(BUILD)/day/happen
$(HAPPEN): $(BUILD)/tests/day/happen.o
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# A disk that fails, for LD_PRELOAD: never with a sanitizer in it.
FAULTS = $(BUILD)/tests/faults.so
$(FAULTS): tests/faults/faults.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -std=c17 -O2 $(WARN) -D_GNU_SOURCE -fPIC -shared -pthread -o $@ $< -ldl

# Somebody who has got hold of a program, for LD_PRELOAD.
TRIES = $(BUILD)/tests/tries.so
$(TRIES): tests/confine/tries.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -std=c17 -O2 $(WARN) -D_GNU_SOURCE -fPIC -shared -pthread -o $@ $< -ldl

# The long ones first: they run side by side, and what begins last should be short.
LONG_TESTS = tests/valgrind.sh $(addprefix tests/pipeline/,busy-day-essentials.sh faults.sh kill.sh money.sh) \
	$(addprefix tests/command/,crash-disk.sh crash-hosts.sh crash.sh house.sh memory.sh)
TESTS = $(filter-out $(LONG_TESTS),$(sort $(wildcard tests/pipeline/*.sh)) $(sort $(wildcard tests/command/*.sh))) $(FUZZ_PROGRAMS) $(UNIT_PROGRAMS)
RUN_TESTS = PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/run

check: all $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(FAULTS) $(TRIES) $(LOAD) $(CROWD) $(HAPPEN)
	$(RUN_TESTS) $(TESTS)

# What takes a minute each: valgrind, faults and kills at each request, the short crash runs, a build from nothing. Three minutes.
check-long: all $(FAULTS) $(LOAD)
	$(RUN_TESTS) $(LONG_TESTS)

# What clang and its sanitizers say: of every file, of all unit tests and fuzz corpora, and of the other tests that are quick or
# have shown them something.
CLANG_TESTS = $(addprefix tests/command/,categorize.sh configuration.sh crm-map.sh golden.sh pnow-csv.sh pnow-hook-inbox.sh pnow-inbox.sh \
	pnow-report.sh postgresql-tls.sh records.sh) $(addprefix tests/pipeline/,lists.sh outage.sh)
check-clang:
	+$(MAKE) --no-print-directory CC=$(FUZZ_CC) all
	+$(MAKE) --no-print-directory CC=$(FUZZ_CC) SAN=1 check TESTS='$$(UNIT_PROGRAMS) $$(FUZZ_PROGRAMS) $$(CLANG_TESTS)'

# At least 1,000 kills and 20,000 events: a quarter of an hour. ENGINE=postgresql: three hosts over one database.
crash: all $(LOAD)
	$(if $(ENGINE),ENGINE=$(ENGINE)) PNOW_BIN=$(abspath $(BIN)) tests/crash/crash.sh

# 100,000 patients and 300,000 bills, killed five times: half an hour, on a machine that does nothing else.
backfill: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/backfill/full.sh

# libFuzzer on all targets of tests/fuzz, T seconds in all: new inputs and what broke something are in .build/libfuzzer.
# FUZZ_TARGETS="money when" picks; fuzz-corpus takes what was found into tests/fuzz/corpus, and makes that small.
T = 600
FUZZ_TARGETS = $(FUZZES)
FUZZ_CC = clang
fuzz fuzz-corpus:
	+$(MAKE) --no-print-directory CC=$(FUZZ_CC) FUZZ=1 $(addprefix .build/libfuzzer/fuzz/,$(FUZZ_TARGETS))
	tests/fuzz/fuzz.sh $(if $(filter fuzz-corpus,$@),-m) .build/libfuzzer $(T) $(FUZZ_TARGETS)

# A whole day of a busy practice: a minute.
busy-day: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" BUSY_DAY=full tests/run tests/pipeline/busy-day.sh

# Days of a practice, thirty times as fast, from the table tests/day/days: how long events wait. DAY="light busy" picks; the
# other variables are told in tests/day/day.sh. Ten hours take twenty minutes.
day: all $(HAPPEN)
	PATH="$(abspath $(BIN)):$(abspath $(dir $(HAPPEN))):$$PATH" tests/day/day.sh

# Every order of a patient's seven events, and six thousand patients' events at random, then the audit: four minutes.
orders: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" ORDERS=full tests/run tests/pipeline/orders.sh

# Lines that carry a promise, broken one by one: each must fail its test. Works on copies of the tree; some minutes.
# MUTATE="retry quota" picks those whose promise has a word.
mutate:
	tests/mutate/mutate.bash $(MUTATE)

# A table of what pnow does beside what others do. BENCH="filters cold" picks parts.
BENCH_PROGRAMS = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

bench: all $(BENCH_PROGRAMS) $(LOAD) $(CROWD)
	PNOW_BIN=$(abspath $(BIN)) tests/bench/bench.sh

# Instructions of the pure filters, for tests/bench/NOTES.md.
instructions: all $(BENCH_PROGRAMS)
	PNOW_BIN=$(abspath $(BIN)) BENCH=instructions tests/bench/bench.sh

# What is committed, as a tar whose bytes follow from the commit and from nothing else.
DIST = .build/pnow-$(VERSION).tar.gz
dist:
	@git diff --quiet HEAD || echo 'what is not committed is left out' >&2
	@mkdir -p $(dir $(DIST))
	@git -c tar.umask=0022 archive --format=tar --prefix=pnow-$(VERSION)/ HEAD | gzip -9n >$(DIST)
	@echo $(DIST)

# The tag v$(VERSION), on what is committed, and what is shipped of it; it is not pushed.
release:
	@git diff --quiet HEAD || { echo 'release: commit first what has changed' >&2; exit 1; }
	@told=$$(sed -n 's/^\.Sh \([0-9]\)/\1/p' man/pnow-changes.7 | head -n 1); [ "$$told" = $(VERSION) ] || \
		{ echo "release: the Makefile says $(VERSION), the newest in man/pnow-changes.7 is $$told" >&2; exit 1; }
	@git tag -a -m 'pnow $(VERSION)' v$(VERSION) || { echo 'release: the next one needs another VERSION' >&2; exit 1; }
	+@$(MAKE) --no-print-directory dist
	@echo 'tagged v$(VERSION); to publish it: git push origin v$(VERSION)'

# A Debian package of that, as .debian says; debhelper is needed. Its changelog is a line with the version: what is new is in pnow-changes(7).
DEB = .build/deb/pnow_$(VERSION)_$(shell dpkg --print-architecture 2>/dev/null).deb
deb: dist
	@rm -rf .build/deb && mkdir .build/deb && tar xzf $(DIST) -C .build/deb
	@mv .build/deb/pnow-$(VERSION)/.debian .build/deb/pnow-$(VERSION)/debian
	@printf 'pnow (%s) unstable; urgency=medium\n\n  * See pnow-changes(7).\n\n -- pnow <pnow@pnow.invalid>  %s\n' \
		$(VERSION) "$$(git log -1 --format=%aD)" >.build/deb/pnow-$(VERSION)/debian/changelog
	@cd .build/deb/pnow-$(VERSION) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc >../log 2>&1 || { tail -n 20 ../log; exit 1; }
	@echo $(DEB)

# What is committed, built and tested in another Debian, in a root that mmdebstrap makes: OTHER=sid, say. The first time it takes long.
OTHER = trixie
check-other:
	tests/other/other.sh $(OTHER) $(if $(filter command,$(firstword $(origin TESTS))),TESTS='$(TESTS)')

# The package looked at by lintian, and in a fresh root installed, used, upgraded and removed.
check-deb: all deb
	DEB=$(abspath $(DEB)) PNOW_BIN=$(abspath $(BIN)) tests/run tests/deb/deb.sh

deps-bench:
	tests/bench/deps.sh

demo: all
	PATH="$(abspath $(BIN)):$$PATH" examples/demo/demo.sh $(BUILD)/demo.html

# The pages as a site, with an index and a sample of the report: .build/html/index.html. The README's two pictures are made here, too.
html: all
	PATH="$(abspath $(BIN)):$$PATH" man/html/make-html.sh .build/html

deps:
	tests/deps.sh

# What we do, judged by others' code; tests/README.md says by which.
deps-contract:
	tests/contract/deps.sh

contract: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/run tests/contract/contract.sh tests/contract/client.sh tests/contract/webhooks.sh tests/contract/site.sh tests/command/pnow-report-browser.sh

C_FILES = $(shell git ls-files '*.c' '*.h')
SHELL_FILES = $(shell git ls-files "*.sh" "*.bash" tests/run .ci/run "examples/workflows/*" examples/backfill/backfill examples/report/mail-report examples/first-practice/first-practice lib/completions/complete lib/completions/pnow.bash)

lint:
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet --std=c11 --library=posix --library=gnu --library=bsd --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -Ilib -Icmd -DPNOW_VERSION='""' -DPNOW_DATADIR='""' $(filter %.c,$(C_FILES))
	shellcheck -S warning $(SHELL_FILES)
	mandoc -T lint -W warning $(PAGES)

Q = $(if $(V),,@)

# Pages, examples and completions name the PREFIX that they are installed under.
install: all install-completions
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR)/profiles $(DESTDIR)$(EXAMPLEDIR)
	$(Q)install -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	$(Q)install -m 644 lib/profiles/*.json $(DESTDIR)$(DATADIR)/profiles
	$(Q)for page in $(PAGES); do \
		section=$(DESTDIR)$(MANDIR)/man$${page##*.}; \
		install -d $$section && sed 's|/usr/local/|$(PREFIX)/|g' $$page >$$section/$${page##*/} && \
		chmod 644 $$section/$${page##*/} || exit 1; done
	$(Q)cp -R examples/. $(DESTDIR)$(EXAMPLEDIR)
	$(Q)grep -rlF /usr/local/ $(DESTDIR)$(EXAMPLEDIR) | xargs sed -i 's|/usr/local/|$(PREFIX)/|g'
	@echo 'installed under $(DESTDIR)$(PREFIX); to begin: man -M $(DESTDIR)$(MANDIR) 7 pnow'

# bash and fish look for a file of the command's name.
install-completions:
	$(Q)install -d $(addprefix $(DESTDIR),$(DATADIR) $(BASHDIR) $(ZSHDIR) $(FISHDIR))
	$(Q)install -m 755 lib/completions/complete $(DESTDIR)$(DATADIR)
	$(Q)install -m 644 lib/completions/pnow.bash $(DESTDIR)$(BASHDIR)/pnow
	$(Q)install -m 644 lib/completions/_pnow $(DESTDIR)$(ZSHDIR)
	$(Q)install -m 644 lib/completions/pnow.fish $(DESTDIR)$(FISHDIR)
	$(Q)sed -i 's|/usr/local/|$(PREFIX)/|g; s|@COMMANDS@|$(COMMANDS)|' $(addprefix $(DESTDIR),$(BASHDIR)/pnow $(ZSHDIR)/_pnow $(FISHDIR)/pnow.fish)
	$(Q)for command in $(COMMANDS); do \
		ln -sf pnow $(DESTDIR)$(BASHDIR)/$$command && ln -sf pnow.fish $(DESTDIR)$(FISHDIR)/$$command.fish || exit 1; done

# What install has put there; configurations, secrets and states are elsewhere, and stay.
uninstall:
	$(Q)rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(COMMANDS))
	$(Q)rm -f $(foreach page,$(notdir $(PAGES)),$(DESTDIR)$(MANDIR)/man$(lastword $(subst ., ,$(page)))/$(page))
	$(Q)rm -f $(addprefix $(DESTDIR)$(BASHDIR)/,pnow $(COMMANDS)) $(DESTDIR)$(ZSHDIR)/_pnow $(addprefix $(DESTDIR)$(FISHDIR)/,pnow.fish $(COMMANDS:=.fish))
	$(Q)rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(EXAMPLEDIR)
	$(Q)rmdir $(dir $(DESTDIR)$(EXAMPLEDIR)) 2>/dev/null || true

define HELP
make deps             install what is needed to build and test, with apt-get, as root
make                  build the programs into $(BIN)
make demo             send webhooks through the pipeline to the stand-in, show what arrived
make html             the pages as a site, with a sample of the report, in .build/html
make check            the tests: four minutes; check-long has those that take a minute each
make install          under PREFIX ($(PREFIX)), below DESTDIR; uninstall takes it away
make bench            what pnow does beside what others do; deps-bench first
make day              a practice's days on a faster clock: waits, and calls of PatientNow
make lint             formatters and linters; contract: judged by others' code
make mutate           break promises one by one: each must fail its test
make crash, fuzz, orders, backfill, busy-day    the long ones
make dist             a tar of what is committed, always of the same bytes; release tags that, too
make deb              a Debian package of that (needs debhelper); check-deb tests it (lintian, mmdebstrap)
make check-other      the tests in another Debian, OTHER=trixie (needs mmdebstrap, and root)
make clean            remove what was built
V=1 shows each command; SAN=1 builds with sanitizers, CC=clang with clang
endef
help:
	$(info $(HELP))@:

clean:
	rm -rf .build

FORCE:
.PHONY: all help uninstall backfill bench busy-day check check-clang check-deb check-long check-other clean contract crash day deb demo deps deps-bench deps-contract dist fuzz fuzz-corpus html install install-completions instructions lint mutate orders release FORCE
.SECONDARY:
# What could not be linked is not taken for a program by the next make.
.DELETE_ON_ERROR:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
